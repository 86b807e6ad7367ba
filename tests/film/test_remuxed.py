"""Films put into other containers as they are, whose packets no longer say truly when pictures are shown."""

import numpy as np
import pytest
from films import ffmpeg_run, make_film, number_of, numbered, read

DIVX = ["-c:v", "mpeg4", "-bf", "2", "-q:v", "2"]
DVD = ["-c:v", "mpeg2video", "-bf", "2", "-q:v", "2", "-pix_fmt", "yuv420p"]
WINDOWS = ["-c:v", "msmpeg4", "-q:v", "2"]


@pytest.mark.parametrize(
    ("codec", "first", "second"), [(DIVX, "avi", "mp4"), (DIVX, "avi", "mov"), (DVD, "mpg", "mp4")]
)
def test_pictures_that_got_the_times_of_decoding_come_in_order(tmp_path, codec, first, second):
    # With grain, or a packet of MPEG holds several.
    grain = np.random.default_rng(0).integers(-10, 11, (60, 120, 160, 3))
    grainy = (numbered(60, (160, 120)) + grain).astype(np.uint8)
    whole = make_film(tmp_path / f"film.{first}", frames=grainy, codec=codec)
    ffmpeg_run("-i", whole, "-c", "copy", tmp_path / f"film.{second}")
    frames, timeline = read(tmp_path / f"film.{second}")
    assert [number_of(frame.pixels) for frame in frames] == [*range(60)]
    np.testing.assert_allclose(timeline.times, timeline.begin + np.arange(60) / 24, atol=1e-3)
    assert not timeline.damage.notes


@pytest.mark.parametrize("pause", [1, 12])
def test_packets_without_a_picture_in_an_avi_hold_the_one_before(tmp_path, pause):
    """As recorders write them that could not keep up."""
    times = [(place if place < 30 else place + 24 * pause) / 24 for place in range(60)]
    path = make_film(
        tmp_path / "film.avi", times=times, frames=60, codec=WINDOWS, extra=["-enc_time_base", "1/24"]
    )
    frames, timeline = read(path)
    assert [number_of(frame.pixels) for frame in frames] == [*range(60)]
    steps = np.diff(timeline.times)
    assert np.argmax(steps) == 29
    assert steps[29] == pytest.approx(pause + 1 / 24, abs=0.05)
    (note,) = timeline.damage.notes
    assert "without a picture" in note


def test_empty_packets_at_the_end_make_the_last_picture_as_long(tmp_path):
    """A film of thousandths of a second has one for each of them until its sound ends."""
    times = [place / 24 for place in range(48)]
    path = make_film(tmp_path / "film.avi", times=times, frames=48, sound=4.0, codec=WINDOWS)
    timeline = read(path)[1]
    assert timeline.count == 48
    assert timeline.begin + timeline.duration == pytest.approx(2.027, abs=0.002)


def test_theora_that_was_cut_has_no_times_at_all(tmp_path):
    codec = ["-c:v", "libtheora", "-q:v", "9", "-g", "48", "-pix_fmt", "yuv420p"]
    whole = make_film(tmp_path / "film.ogv", frames=96, codec=codec)
    ffmpeg_run("-ss", 3, "-i", whole, "-c", "copy", tmp_path / "cut.ogv")
    frames, timeline = read(tmp_path / "cut.ogv")
    shown = [number_of(frame.pixels) for frame in frames]
    assert len(shown) == timeline.count
    assert shown == [place % 72 for place in range(96 - len(shown), 96)]
    np.testing.assert_allclose(np.diff(timeline.times), 1 / 24, atol=1e-3)
