"""Presentation times, breaks, excerpts, and the even pace."""

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from films import ffmpeg_run, make_film, number_of

from autoencode.errors import UserError
from autoencode.film import scan as scan_module
from autoencode.film.decode import read_frames
from autoencode.film.packets import read_packets
from autoencode.film.probe import probe
from autoencode.film.scan import scan
from autoencode.film.timeline import Timeline, at_constant_rate, clock, pace

NTSC = Fraction(24000, 1001)


class Still(NamedTuple):
    time: float
    name: int


def stills(times):
    return [Still(time, number) for number, time in enumerate(times)]


def resequenced(times, rate, constant, duration):
    timeline = Timeline(np.array(times, dtype=float), Fraction(rate), constant, duration)
    return [still.name for still in at_constant_rate(stills(times), timeline)], timeline.frames_out


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


@pytest.mark.parametrize(
    "rate", [24, 25, 30, 60, NTSC, Fraction(30000, 1001), Fraction(25, 2), Fraction(1, 5)]
)
@pytest.mark.parametrize("digits", [3, 6])
def test_the_rate_behind_rounded_timestamps(rate, digits):
    times = np.round(np.arange(5000) / float(rate), digits)
    assert pace(times, Fraction(25)) == (rate, True)


def test_the_header_settles_what_a_short_film_leaves_open():
    times = np.round(np.arange(5) / float(NTSC), 3)
    assert pace(times, NTSC) == (NTSC, True)
    assert pace(times, Fraction(24)) == (Fraction(24), True)


def test_one_hole_makes_a_film_variable_but_keeps_its_rate():
    times = np.delete(np.arange(100) / 30, [40, 41])
    assert pace(times, Fraction(2940, 100)) == (30, False)


@pytest.mark.parametrize("rate", [Fraction(25), NTSC, Fraction(30), Fraction(60000, 1001)])
def test_holes_drop_no_picture(rate):
    """Of 300 places three are empty. The header counts what is there, and Matroska in milliseconds."""
    times = np.round(np.delete(np.arange(300) / float(rate), [100, 200, 201]), 3)
    assert pace(times, rate * 297 / 300) == (rate, False)
    timeline = Timeline(times, rate, False, 300 / float(rate))
    assert (timeline.frames_out, timeline.repeated, timeline.dropped) == (300, 3, 0)


@pytest.mark.parametrize("gaps", [[0.1, 1.9], [0.04, 10, 0.04, 10], [10, 0.04], [5]])
def test_few_gaps_that_have_nothing_in_common(gaps):
    rate, _ = pace(np.cumsum([0, *gaps]), Fraction(1))
    assert rate == pytest.approx(1 / min(gaps))


def test_a_long_first_picture_does_not_change_the_pace():
    times = np.concatenate([[0], 0.063 + np.arange(99) / 25])
    assert pace(times, Fraction("24.86")) == (25, False)


def test_a_phone_whose_gaps_tremble_is_variable():
    gaps = np.tile([0.033, 0.034, 0.033, 0.066, 0.020, 0.047], 50)
    rate, constant = pace(np.cumsum(gaps), Fraction(26))
    assert not constant
    assert rate == 30


def test_constant_passes_through_one_for_one():
    for rate in (24, NTSC, 60):
        times = np.round(np.arange(500) / float(rate), 3)
        names, count = resequenced(times, rate, True, 500 / float(rate))
        assert names == list(range(500))
        assert count == 500


def test_variable_repeats_and_drops():
    # At 10 frames/s slots are sampled at 0.05, 0.15, … 0.75. Frame 1 begins at 0.30, 2 at 0.32, 3 at 0.60.
    names, count = resequenced([0, 0.30, 0.32, 0.60], 10, False, 0.8)
    assert names == [0, 0, 0, 2, 2, 2, 3, 3]
    assert count == 8


def test_an_excerpt_of_a_variable_film_counts_from_its_first_frame():
    names, _ = resequenced([5.0, 5.30, 5.32, 5.60], 10, False, 0.8)
    assert names == [0, 0, 0, 2, 2, 2, 3, 3]


def test_a_frame_lost_in_decoding_keeps_the_length():
    timeline = Timeline(np.arange(6) / 10, Fraction(10), True, 0.6)
    got = [still for still in stills(np.arange(6) / 10) if still.name not in (2, 5)]
    assert [still.name for still in at_constant_rate(got, timeline)] == [0, 1, 1, 3, 4, 4]


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


@pytest.mark.parametrize("constant", [True, False])
def test_from_any_slot_on_it_is_the_same(constant):
    draws = np.random.default_rng(0)
    gaps = 0.04 + (draws.uniform(-0.004, 0.004, 200) if constant else draws.choice([0, 0.03, 0.2], 200))
    times = np.cumsum(gaps)
    timeline = Timeline(times, Fraction(25), constant, float(np.ptp(times)) + 0.04)
    lost = [0, 1, *draws.choice(200, 8)]
    whole = [still.time for still in at_constant_rate(without(lost, timeline, times), timeline)]
    assert len(whole) == timeline.frames_out
    for slot in range(0, timeline.frames_out, 7):
        rest = at_constant_rate(without(lost, timeline, timeline.from_slot(slot).times), timeline, slot)
        assert [still.time for still in rest] == whole[slot:]


def without(lost, timeline, times):
    return [still for still in stills(times) if still.time not in timeline.times[lost]]


def test_an_excerpt_that_begins_while_a_picture_is_held_begins_with_it(tmp_path):
    times = [*np.arange(24) / 24, *(3 + np.arange(24) / 24)]
    film = probe(make_film(tmp_path / "a.mkv", frames=48, times=times, sound=False))
    timeline = scan(film, start=2.0, duration=1.5)
    assert (timeline.begin, timeline.skipped) == (2.0, 23)
    frames = list(at_constant_rate(read_frames(film, (96, 64), timeline=timeline), timeline))
    assert [number_of(frame.pixels) for frame in frames] == [*[23] * 24, *range(24, 36)]
    assert scan(film, start=1.5, duration=1.0).frames_out == 24


@pytest.mark.parametrize("rate", [25, 240])
def test_a_varying_rate_is_that_of_most_pictures(rate):
    gaps = np.where(np.arange(240) % 40 == 39, 3 / rate, 1 / rate)
    assert pace(np.cumsum(gaps), Fraction(30)) == (rate, False)


def test_a_picture_may_stay_for_half_an_hour(tmp_path):
    path = make_film(tmp_path / "film.mkv", frames=3, times=[0, 2100, 4200], sound=False)
    timeline = scan(probe(path))
    assert not timeline.constant
    assert timeline.frames_out >= 3


def test_pictures_that_come_as_two_fields_count_once(tmp_path, monkeypatch):
    film = probe(make_film(tmp_path / "film.mkv", frames=24))
    usual = list(read_packets(film.path, bytearray()))
    fields = [
        packet._replace(shown=packet.shown + late)
        for packet in usual
        for late in ((0, 1 / 48) if packet.stream == "0" else (0,))
    ]
    monkeypatch.setattr(scan_module, "read_packets", lambda path, said: iter(fields))
    timeline = scan(replace(film, order="top first"))
    assert (timeline.count, timeline.rate, timeline.constant) == (24, 24, True)
    np.testing.assert_allclose(timeline.times, np.arange(24) / 24, atol=0.002)
    assert scan(replace(film, order=None)).count == 48  # a header that is wrong about the rate
