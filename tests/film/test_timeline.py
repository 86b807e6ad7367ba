"""Presentation times, breaks, excerpts."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from films import ffmpeg_run, make_film, number_of

from autoencode.errors import UserError
from autoencode.film import stamps
from autoencode.film.decode import read_frames
from autoencode.film.packets import read_packets
from autoencode.film.probe import probe
from autoencode.film.scan import scan
from autoencode.film.timeline import at_constant_rate, clock

NTSC = Fraction(24000, 1001)


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


X264 = ("-c:v", "libx264", "-preset", "fast", "-bf", "3", "-pix_fmt", "yuv420p")
MPEG4 = ("-c:v", "mpeg4", "-q:v", "2", "-bf", "2")


def held(path, last):
    """Pictures of 24 a second, the last of which is shown for so many seconds."""
    whole = make_film(path.with_name(f"whole{path.suffix}"), frames=48, sound=False)
    stays = f"setts=duration=if(eq(N\\,47)\\,{last}/TB\\,DURATION)"
    ffmpeg_run("-i", whole, "-c", "copy", "-bsf:v", stays, path)
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_last_picture_that_is_held_is_shown_as_long(tmp_path, suffix):
    timeline = scan(probe(held(tmp_path / f"film.{suffix}", 1.5)))
    assert (timeline.count, timeline.rate, timeline.frames_out) == (48, 24, 47 + 36)
    assert timeline.duration == pytest.approx(47 / 24 + 1.5, abs=1e-3)
    assert scan(probe(held(tmp_path / f"even.{suffix}", 0.05))).frames_out == 48


def test_pictures_that_are_all_called_longer_than_they_are_are_not_held(tmp_path):
    slow = tmp_path / "slow.ts"
    whole = make_film(tmp_path / "film.mp4", frames=48, sound=False)
    ffmpeg_run("-itsscale", "0.5", "-i", whole, "-c", "copy", slow)
    timeline = scan(probe(slow))
    assert (timeline.constant, timeline.frames_out, timeline.rate) == (True, 48, 48)


def test_one_picture_is_shown_as_long_as_it_says(tmp_path):
    still = make_film(tmp_path / "a.mp4", frames=1, rate="1/6", sound=False)
    assert probe(still).rate != Fraction(1, 6)
    timeline = scan(probe(still))
    assert (timeline.rate, timeline.frames_out, timeline.duration) == (Fraction(1, 6), 1, 6.0)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", X264), ("mkv", X264), ("mov", X264), ("ts", X264), ("avi", MPEG4)]
)
def test_a_constant_film_in_every_container(tmp_path, suffix, codec):
    timeline = scan(probe(make_film(tmp_path / f"a.{suffix}", frames=30, rate=24, codec=codec)))
    assert timeline.count == timeline.frames_out == 30
    assert timeline.rate == 24
    assert timeline.constant
    assert timeline.duration == pytest.approx(30 / 24)
    np.testing.assert_allclose(np.diff(timeline.times), 1 / 24, atol=0.0011)


def test_milliseconds_of_matroska_are_still_a_constant_rate(tmp_path):
    timeline = scan(probe(make_film(tmp_path / "a.mkv", frames=60, rate="24000/1001", sound=False)))
    assert timeline.constant
    assert timeline.rate == NTSC
    np.testing.assert_allclose(timeline.times, np.arange(60) * 1001 / 24000, atol=0.0006)
    assert timeline.duration == pytest.approx(60 * 1001 / 24000)


def test_pictures_are_in_order_though_b_frames_are_not(tmp_path):
    timeline = scan(probe(make_film(tmp_path / "a.mp4", frames=24, codec=X264)))
    np.testing.assert_allclose(timeline.times, np.arange(24) / 24, atol=1e-4)


def test_a_variable_film(tmp_path):
    times = [0, 0.04, 0.08, 0.12, 0.30, 0.34, 0.60, 0.64, 0.68]
    timeline = scan(probe(make_film(tmp_path / "a.mkv", frames=9, rate=25, times=times, sound=False)))
    np.testing.assert_allclose(timeline.times, times, atol=1e-9)
    assert not timeline.constant
    assert timeline.rate == 25
    assert timeline.duration == pytest.approx(0.72, abs=0.011)
    assert timeline.frames_out == 18


def test_start_and_duration(tmp_path):
    film = probe(make_film(tmp_path / "a.mp4", frames=48, rate=24))
    timeline = scan(film, start=0.5, duration=0.25)
    np.testing.assert_allclose(timeline.times, np.arange(12, 18) / 24, atol=1e-4)
    assert timeline.duration == pytest.approx(0.25)
    assert timeline.rate == 24
    assert scan(film, start=1.5).count == 12
    assert scan(film, duration=0.5).count == 12
    assert scan(film, start=1.5, duration=99).count == 12


def test_a_start_in_round_seconds_means_the_picture_at_it(tmp_path):
    film = probe(make_film(tmp_path / "a.mkv", frames=48, rate="24000/1001", sound=False))
    assert scan(film, start=1.001).times[0] == pytest.approx(1.001)
    assert scan(film, duration=1.001).count == 24


def test_start_beyond_the_end(tmp_path):
    film = probe(make_film(tmp_path / "a.mp4", frames=24))
    with pytest.raises(UserError, match=r"ends at 0:01\.0") as caught:
        scan(film, start=5)
    one_line(caught)


def test_no_picture_in_the_range(tmp_path):
    film = probe(make_film(tmp_path / "a.mkv", frames=24, delay=1.0, sound=2.0))
    with pytest.raises(UserError, match="no picture between") as caught:
        scan(film, duration=0.5)
    one_line(caught)


def test_sound_longer_or_shorter_than_the_picture_is_no_break(tmp_path):
    assert scan(probe(make_film(tmp_path / "a.mkv", frames=24, sound=4.0))).duration == pytest.approx(1)
    assert scan(probe(make_film(tmp_path / "b.mp4", frames=72, sound=0.5))).duration == pytest.approx(3)


def test_a_picture_that_starts_late(tmp_path):
    timeline = scan(probe(make_film(tmp_path / "a.mkv", frames=24, delay=0.5, sound=1.5)))
    assert timeline.times[0] == pytest.approx(0.5, abs=0.03)
    assert timeline.duration == pytest.approx(1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_truncated_film_names_where_it_breaks(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (72, 64, 96, 3), np.uint8)
    extra = ["-movflags", "+faststart"] if suffix == "mp4" else []
    path = make_film(tmp_path / f"a.{suffix}", frames=noise, rate=24, extra=extra)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"breaks off at 0:01\.\d though its header says 0:03") as caught:
        scan(probe(path), start=0, duration=0.5)
    assert str(path) in one_line(caught)


def test_clock():
    assert clock(31.2) == "0:31.2"
    assert clock(59.96) == "1:00.0"
    assert clock(3723.4) == "1:02:03.4"


def test_an_excerpt_that_begins_while_a_picture_is_held_begins_with_it(tmp_path):
    times = [*np.arange(24) / 24, *(3 + np.arange(24) / 24)]
    film = probe(make_film(tmp_path / "a.mkv", frames=48, times=times, sound=False))
    timeline = scan(film, start=2.0, duration=1.5)
    assert (timeline.begin, timeline.skipped) == (2.0, 23)
    frames = list(at_constant_rate(read_frames(film, (96, 64), timeline=timeline), timeline))
    assert [number_of(frame.pixels) for frame in frames] == [*[23] * 24, *range(24, 36)]
    assert scan(film, start=1.5, duration=1.0).frames_out == 24


def test_a_picture_may_stay_for_half_an_hour(tmp_path):
    path = make_film(tmp_path / "film.mkv", frames=3, times=[0, 2100, 4200], sound=False)
    timeline = scan(probe(path))
    assert not timeline.constant
    assert timeline.frames_out >= 3


def test_pictures_that_come_as_two_fields_count_once(tmp_path, monkeypatch):
    film = probe(make_film(tmp_path / "film.mkv", frames=24))
    usual = list(read_packets(film.source, bytearray(), film.streams))
    fields = [
        packet._replace(shown=packet.shown + late)
        for packet in usual
        for late in ((0, 1 / 48) if packet.stream == "0" else (0,))
    ]
    monkeypatch.setattr(stamps, "read_packets", lambda path, said, streams: iter(fields))
    timeline = scan(replace(film, order="top first"))
    assert (timeline.count, timeline.rate, timeline.constant) == (24, 24, True)
    np.testing.assert_allclose(timeline.times, np.arange(24) / 24, atol=0.002)
    assert scan(replace(film, order=None)).count == 48  # a header that is wrong about the rate
