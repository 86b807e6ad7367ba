"""Every picture once, in order, at its time, in its colours, with its shape."""

import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import make_film, number_of

from autoencode.errors import UserError
from autoencode.film import decode
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.scan import scan
from autoencode.film.timeline import Timeline

LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv444p")
B_FRAMES = ("-c:v", "libx264", "-preset", "fast", "-bf", "3", "-crf", "4", "-pix_fmt", "yuv420p")


def children():
    """Process ids of this process's living children."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    if not tasks.exists():
        pytest.skip("needs /proc to count processes")
    return {pid for task in tasks.iterdir() for pid in (task / "children").read_text().split()}


def painted(frames, size, paint):
    """uint8 frames of black on which paint(frame) draws."""
    pictures = np.zeros((frames, size[1], size[0], 3), np.uint8)
    paint(pictures)
    return pictures


def test_every_frame_once_in_order_with_its_time(tmp_path):
    film = probe(make_film(tmp_path / "a.mp4", frames=60, rate=24, codec=B_FRAMES))
    frames = list(read_frames(film, (48, 32), timeline=scan(film)))
    assert [number_of(frame.pixels) for frame in frames] == list(range(60))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(60) / 24, atol=1e-4)
    assert frames[0].pixels.shape == (32, 48, 3)
    assert frames[0].pixels.dtype == np.uint8
    assert frames[0].view is None


def test_without_a_timeline(tmp_path):
    film = probe(make_film(tmp_path / "a.mkv", frames=10))
    assert [number_of(frame.pixels) for frame in read_frames(film, (96, 64))] == list(range(10))


def test_a_variable_rate_is_neither_padded_nor_thinned(tmp_path):
    times = [0, 0.04, 0.043, 0.12, 0.30, 0.34, 1.60, 1.64]
    film = probe(make_film(tmp_path / "a.mkv", frames=8, rate=25, times=times, sound=False))
    frames = list(read_frames(film, (96, 64), timeline=scan(film)))
    assert [number_of(frame.pixels) for frame in frames] == list(range(8))
    np.testing.assert_allclose([frame.time for frame in frames], times, atol=1e-6)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_an_excerpt_is_the_same_frames_at_the_same_times(tmp_path, suffix):
    film = probe(make_film(tmp_path / f"a.{suffix}", frames=60, rate="24000/1001", codec=B_FRAMES))
    whole = list(read_frames(film, (96, 64), timeline=scan(film)))
    part = list(
        read_frames(film, (96, 64), timeline=scan(film, start=20.5 * 1.001 / 24, duration=10 * 1.001 / 24))
    )
    assert [number_of(frame.pixels) for frame in part] == list(range(21, 31))
    np.testing.assert_allclose([f.time for f in part], [f.time for f in whole[21:31]], atol=1e-4)


def test_frames_fit_the_timeline_in_a_container_whose_sound_starts_first(tmp_path):
    film = probe(make_film(tmp_path / "a.ts", frames=30, rate=25, delay=0.4, sound=2.0))
    timeline = scan(film)
    np.testing.assert_allclose([f.time for f in read_frames(film, (96, 64))], timeline.times, atol=1e-4)
    assert timeline.times[0] == pytest.approx(0.4, abs=0.05)


def test_sample_aspect_decides_what_is_cropped(tmp_path):
    # 96×64 of 2:1 pixels is shown 192×64. Covering 96×64 keeps the middle 96 of 192, which are the
    # coded columns 24 to 72. Red stands left of column 24, green right of it, blue right of 72.
    def paint(pictures):
        pictures[:, :, :24] = (255, 0, 0)
        pictures[:, :, 24:72] = (0, 255, 0)
        pictures[:, :, 72:] = (0, 0, 255)

    source = painted(2, (96, 64), paint)
    film = probe(make_film(tmp_path / "a.mkv", frames=source, aspect="2:1", sound=False, codec=LOSSLESS))
    pixels = next(read_frames(film, (96, 64))).pixels
    assert pixels[:, 3:-3, 1].min() > 240
    assert pixels[:, 3:-3, [0, 2]].max() < 15


def test_a_tall_film_is_cropped_above_and_below(tmp_path):
    # 64×96 covers 64×48 by its middle rows 24 to 72.
    def paint(pictures):
        pictures[:, 24:72] = 255

    film = probe(
        make_film(tmp_path / "a.mkv", frames=painted(2, (64, 96), paint), sound=False, codec=LOSSLESS)
    )
    assert next(read_frames(film, (64, 48))).pixels[2:-2].min() > 245


def test_a_rotated_film_stands_upright(tmp_path):
    # The coded picture is white on its left half; turned 90° counter-clockwise that is the lower half.
    def paint(pictures):
        pictures[:, :, :48] = 255

    source = painted(2, (96, 64), paint)
    film = probe(make_film(tmp_path / "a.mp4", frames=source, rotation=90, sound=False))
    pixels = next(read_frames(film, (64, 96))).pixels
    assert pixels[:44].max() < 20
    assert pixels[52:].min() > 235


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)])
def test_colours_come_back(tmp_path, colour, tagged):
    # 720 rows: where no matrix is stated, BT.709 is assumed.
    source = np.broadcast_to(np.array(colour, np.uint8), (2, 720, 64, 3))
    film = probe(make_film(tmp_path / "a.mp4", frames=source, sound=False, tagged=tagged))
    assert film.matrix == ("bt709" if tagged else None)
    pixels = next(read_frames(film, (32, 32))).pixels
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(0), colour, atol=4)


def test_an_rgb_film(tmp_path):
    source = np.broadcast_to(np.array((250, 10, 120), np.uint8), (2, 64, 96, 3))
    codec = ("-c:v", "ffv1", "-pix_fmt", "gbrp")
    film = probe(make_film(tmp_path / "a.mkv", frames=source, sound=False, tagged=False, codec=codec))
    pixels = next(read_frames(film, (96, 64))).pixels
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(0), (250, 10, 120), atol=1.5)


@pytest.mark.parametrize("view_size", [(128, 80), (40, 24)])
def test_the_view_shows_the_same_picture(tmp_path, view_size):
    times = [0, 0.04, 0.12, 0.13, 0.30, 0.34]
    film = probe(make_film(tmp_path / "a.mkv", frames=6, times=times, sound=False))
    frames = list(read_frames(film, (48, 32), view_size=view_size, timeline=scan(film)))
    assert [number_of(frame.pixels) for frame in frames] == list(range(6))
    assert [number_of(frame.view) for frame in frames] == list(range(6))
    assert frames[0].pixels.shape == (32, 48, 3)
    assert frames[0].view.shape == (view_size[1], view_size[0], 3)
    np.testing.assert_allclose([frame.time for frame in frames], times, atol=1e-6)


@pytest.mark.parametrize("name", ["-y.mp4", 'it\'s a "film" %d.mkv', "a:b [c], d;e.mp4"])
def test_any_name_is_only_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    film = probe(make_film(Path(name), frames=3))
    assert len(list(read_frames(film, (96, 64), timeline=scan(film)))) == 3


def test_closing_early_ends_ffmpeg(tmp_path):
    before = children()
    film = probe(make_film(tmp_path / "a.mkv", frames=2000, sound=False))
    frames = read_frames(film, (96, 64), timeline=scan(film, start=0.5))
    next(frames)
    assert children() - before
    frames.close()
    assert not children() - before


def test_a_reader_that_dawdles_gets_every_frame(tmp_path):
    film = probe(make_film(tmp_path / "a.mkv", frames=200, sound=False))
    count = 0
    for _ in read_frames(film, (96, 64), timeline=scan(film)):
        time.sleep(0.001)
        count += 1
    assert count == 200


def test_a_decoder_that_stops_early_is_noticed(tmp_path):
    film = probe(make_film(tmp_path / "a.mp4", frames=24))
    timeline = Timeline(np.arange(48) / 24, Fraction(24), True, 2.0)
    with pytest.raises(UserError, match=r"breaks off at 0:01\.0") as caught:
        list(read_frames(film, (96, 64), timeline=timeline))
    assert "\n" not in str(caught.value)


def test_pictures_that_cannot_be_decoded_are_one_line(tmp_path):
    path = make_film(tmp_path / "a.mp4", frames=24, sound=False)
    film, timeline = probe(path), scan(probe(path))
    whole = path.read_bytes()
    begin = whole.index(b"mdat") + 4
    end = whole.index(b"moov") - 4
    path.write_bytes(whole[:begin] + bytes(end - begin) + whole[end:])
    with pytest.raises(UserError, match=r"a\.mp4: ") as caught:
        list(read_frames(film, (96, 64), timeline=timeline))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["avi", "h264"])
def test_an_excerpt_where_pictures_do_not_say_when_they_are_shown(tmp_path, suffix):
    codec = "-c:v mpeg4 -q:v 2 -bf 2" if suffix == "avi" else "-c:v libx264 -bf 2 -crf 8 -pix_fmt yuv420p"
    film = probe(make_film(tmp_path / f"a.{suffix}", frames=60, codec=codec.split(), sound=False))
    timeline = scan(film, start=1.0, duration=1.0, every=2)
    frames = list(read_frames(film, (96, 64), timeline=timeline))
    assert [number_of(frame.pixels) for frame in frames] == [*range(24, 48, 2)]
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(24, 48, 2) / 24, atol=1e-3)
    rest = list(read_frames(film, (96, 64), timeline=timeline.from_slot(10)))
    assert number_of(rest[-1].pixels) == 46


def test_every_nth_is_counted_in_the_film_not_in_what_can_be_decoded(tmp_path, monkeypatch):
    film = probe(make_film(tmp_path / "a.mkv", frames=60, sound=False))
    usual = decode._decode

    def without_the_tenth(*arguments, **named):
        yield from (frame for frame in usual(*arguments, **named) if number_of(frame.pixels) != 10)

    monkeypatch.setattr(decode, "_decode", without_the_tenth)
    for every, numbers in ((12, range(0, 60, 12)), (5, [0, 5, *range(15, 60, 5)])):
        timeline = scan(film, every=every, allow_damaged=True)
        frames = list(read_frames(film, (96, 64), timeline=timeline))
        assert [number_of(frame.pixels) for frame in frames] == list(numbers)
        assert timeline.damage.notes == ["1 picture before 0:00.5 (picture 11) cannot be decoded"]
