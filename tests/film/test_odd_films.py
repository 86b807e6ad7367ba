"""Films of one picture, of one pixel, vast ones, and files that do not stay as they are."""

import os
from fractions import Fraction

import numpy as np
import pytest
from films import ffmpeg_run, film_writer, heard, make_film, number_of

from autoencode.errors import DamagedError, UserError
from autoencode.film.companions import Companions
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.reading import open_film
from autoencode.film.scan import scan
from autoencode.resequence import resequence

SIZE = (96, 64)


def render(path, made, memory=lambda frames, first: frames, **options):
    """The film at `path` as a perfect memory has it, at `made`."""
    film, timeline = open_film(path)
    writer = film_writer(made, timeline.rate, SIZE, Companions(film), made_of="these", **options)
    resequence(film, timeline, SIZE, memory, writer)
    return scan(probe(made)).count


SMALL, LARGE = [(1, 1), (3, 5)], [(1, 16384), (16384, 1), (16384, 16)]


@pytest.mark.parametrize(
    ("size", "frames"),
    [
        *((size, frames) for size in SMALL for frames in (1, 3)),
        *((size, 1) for size in LARGE),
        *(pytest.param(size, 3, marks=pytest.mark.slow) for size in LARGE),
    ],
)
def test_size(tmp_path, size, frames):
    codec = ["-c:v", "png", "-pix_fmt", "rgb24"]
    path = make_film(tmp_path / "film.mkv", frames=frames, size=size, codec=codec, tagged=False)
    assert render(path, tmp_path / "made.mp4", layout="side_by_side") == frames
    (*_, last) = read_frames(probe(tmp_path / "made.mp4"), (192, 64))
    np.testing.assert_allclose(last.pixels.mean((0, 1)), 20 + 3 * (frames - 1), atol=2)


@pytest.mark.parametrize("size", [(2, 16384), (16384, 2)])
def test_a_sliver_is_shown_as_large_as_any_film(tmp_path, size):
    codec = ["-c:v", "png", "-pix_fmt", "rgb24"]
    path = make_film(tmp_path / "film.mkv", frames=1, size=size, codec=codec, tagged=False)
    assert render(path, tmp_path / "made.mp4", layout="side_by_side", height=320) == 1
    (frame,) = read_frames(probe(tmp_path / "made.mp4"), (960, 320))
    np.testing.assert_allclose(frame.pixels.mean((0, 1)), 20, atol=2)


def test_an_avi_that_was_written_into_a_pipe_is_whole(tmp_path):
    codec = ["-c:v", "mpeg4", "-q:v", "2", "-f", "avi"]
    make_film(tmp_path / "a.avi", frames=48, codec=codec)
    piped = ffmpeg_run("-i", tmp_path / "a.avi", *["-c", "copy", "-f", "avi", "-"])
    (tmp_path / "film.avi").write_bytes(piped)
    assert open_film(tmp_path / "film.avi")[1].count == 48  # and not refused as torn


def test_sound_that_is_only_announced_is_left_out_and_that_is_said(tmp_path):
    path = make_film(tmp_path / "film.ts", frames=48)
    silent = "-map 0:v -map 0:a -map 0:a -map 0:a -c copy -bsf:a:0 noise=drop=1 -bsf:a:1 noise=drop=1"
    ffmpeg_run("-i", path, *silent.split(), tmp_path / "silent.ts")
    made = tmp_path / "made.mkv"
    assert render(tmp_path / "silent.ts", made) == 48
    assert len(heard(made)) / 48000 == pytest.approx(2, abs=0.1)
    (note,) = open_film(tmp_path / "silent.ts")[1].damage.notes
    assert note.startswith("announces 2 tracks of sound")


def test_streams_that_several_programs_share_are_read_once(tmp_path):
    path = make_film(tmp_path / "film.ts", frames=24)
    shared = "-map 0:v -map 0:a -map 0:a -c:v copy -c:a:0 mp2 -c:a:1 ac3"
    programs = [word for number in (1, 2) for word in ("-program", f"program_num={number}:st=0:st=1:st=2")]
    ffmpeg_run("-i", path, *shared.split(), *programs, tmp_path / "shared.ts")
    film, timeline = open_film(tmp_path / "shared.ts")
    assert (film.audio, film.pictures) == (("mp2", "ac3"), 1)
    assert (timeline.count, timeline.damage.notes) == (24, [])


def test_slides_are_no_recordings(tmp_path):
    path = make_film(tmp_path / "film.ts", frames=6, rate=Fraction(1, 12), sound=False)
    timeline = open_film(path)[1]
    assert (timeline.count, timeline.damage.notes) == (6, [])


@pytest.mark.parametrize(("default", "suffix"), [("1", "mp4"), ("", "mkv"), ("01", "mp4")])
def test_of_several_streams_of_pictures_a_thumbnail_is_not_the_film(tmp_path, default, suffix):
    """The default stream is taken; of several such, or none, the one with most pictures."""
    film = make_film(tmp_path / "film.mkv", frames=30, sound_codec="aac")
    ffmpeg_run("-i", film, *["-vf", "negate", "-frames:v", "1"], tmp_path / "thumbnail.jpg")
    shown = [f"-disposition:v:{track} {'default' if str(track) in default else '0'}" for track in (0, 1)]
    both = ["-map", "0", "-map", "1", "-c", "copy", *" ".join(shown).split()]
    path = tmp_path / f"both.{suffix}"
    ffmpeg_run("-i", tmp_path / "thumbnail.jpg", "-i", film, *both, path)
    found, timeline = open_film(path)
    frames = [number_of(frame.pixels) for frame in read_frames(found, SIZE, timeline=timeline)]
    assert frames == list(range(30))
    assert timeline.damage.notes == ["holds 2 streams of pictures, of which number 2 is taken"]
    assert render(path, tmp_path / "made.mp4") == 30
    assert probe(tmp_path / "made.mp4").audio == ("aac",)


def test_a_film_that_grows_meanwhile_ends_where_it_ended(tmp_path):
    path = make_film(tmp_path / "film.ts", frames=48)
    film, timeline = open_film(path)
    with path.open("ab") as file:
        file.write(make_film(tmp_path / "more.ts", frames=24).read_bytes())
    frames = [number_of(frame.pixels) for frame in read_frames(film, SIZE, timeline=timeline)]
    assert frames == list(range(48))


def test_a_film_that_vanishes_before_its_pictures_are_read(tmp_path):
    path = make_film(tmp_path / "film.mkv", frames=3)
    film, timeline = open_film(path)
    path.unlink()
    with pytest.raises(UserError, match=r"film\.mkv: was taken away"):
        list(read_frames(film, SIZE, timeline=timeline))


def test_a_film_that_vanishes_meanwhile_is_one_line_and_what_is_made_stays(tmp_path):
    path = make_film(tmp_path / "film.mkv", frames=48)
    hidden, made = tmp_path / "hidden", tmp_path / "made.mp4"

    def vanishing(frames, first):
        if path.exists():
            path.rename(hidden)
        return frames

    with pytest.raises(UserError, match=r"film\.mkv.*No such file") as refused:
        render(path, made, vanishing)
    assert "\n" not in str(refused.value)
    assert not made.exists()
    hidden.rename(path)
    assert render(path, made, lambda frames, first: 1 / 0) == 48


def test_a_film_that_becomes_shorter_meanwhile_is_damaged_and_the_new_one_waits(tmp_path):
    """Its pictures may have been read by then; how much of its sound is gone nobody can say."""
    path, made = make_film(tmp_path / "film.mkv", frames=48), tmp_path / "made.mp4"
    whole = path.read_bytes()

    def shortening(frames, first):
        if first == 32:
            os.truncate(path, len(whole) // 2)
        return frames

    with pytest.raises(DamagedError, match=r"film\.mkv: became shorter while it was read"):
        render(path, made, shortening)
    assert not made.exists()
    path.write_bytes(whole)
    assert render(path, made, lambda frames, first: 1 / 0) == 48
