"""What a decoder complains of is told, and a picture that it could not read whole is lost."""

import re

import numpy as np
import pytest
from films import ffmpeg_run, make_film, read

from autoencode.errors import DamagedError, UserError
from autoencode.film.decode import read_frames
from autoencode.film.reading import Reading, open_film

FRAMES, SIZE = 120, (96, 64)


def noisy(path, codec, sound=False):
    """A film of which every byte counts."""
    noise = np.random.default_rng(0).integers(0, 255, (FRAMES, 64, 96, 3), np.uint8)
    return make_film(path, frames=noise, codec=["-c:v", *codec.split()], sound=sound)


def strike(path, share):
    """Overwrites a thousand bytes behind that share of a file, less than a picture has."""
    raw = bytearray(path.read_bytes())
    begin = round(len(raw) * share)
    raw[begin : begin + 1000] = np.random.default_rng(1).bytes(1000)
    path.write_bytes(raw)


def test_a_picture_that_the_decoder_made_up_in_part_counts_as_lost(tmp_path):
    path = noisy(tmp_path / "film.mp4", "libx264 -g 24 -bf 0 -pix_fmt yuv420p")
    whole = [frame.pixels for frame in read(path)[0]]
    strike(path, 0.7)
    for start in (0.0, 2.0):  # in an excerpt too, where the decoder begins in between
        with pytest.raises(DamagedError, match=r"1 picture before 0:03\.\d \(picture \d\d\) cannot be"):
            read(path, start=start)
        frames, timeline = read(path, start=start, allow_damaged=True)
        (lost,) = set(range(round(24 * start), FRAMES)) - {round(frame.time * 24) for frame in frames}
        assert [note for note in timeline.damage.notes if f"(picture {lost + 1:,})" in note]
        # Those before it are as they were, and from the next key frame on again.
        for frame in frames:
            place = round(frame.time * 24)
            if place < lost or place >= -(-lost // 24) * 24:
                np.testing.assert_array_equal(frame.pixels, whole[place])


@pytest.mark.parametrize("suffix", ["avi", "mp4"])
def test_a_picture_that_is_lost_is_named_when_the_next_one_comes(tmp_path, suffix):
    path = noisy(tmp_path / f"film.{suffix}", "mpeg4 -q:v 2 -g 24", sound=1.0)
    strike(path, 0.2)
    film, timeline = open_film(path)
    taken = []
    with pytest.raises(DamagedError, match=r"1 picture before 0:01.0 \(picture 2[34]\) cannot be decoded"):
        taken.extend(read_frames(film, SIZE, timeline=timeline))
    assert len(taken) in (22, 23)


def test_the_last_picture_of_a_file_with_an_index_is_missed(tmp_path):
    path = make_film(tmp_path / "film.mp4", frames=48, sound=False, extra=["-g", "1"])
    raw = bytearray(path.read_bytes())
    end = raw.index(b"moov") - 4
    raw[end - 40 : end] = bytes(40)
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"the last . pictures?, after 0:01.9, cannot be.*--allow_damaged"):
        read(path)


def test_of_several_threads_one_or_the_other_sees_a_picture_fail_but_all_that_do_are_told(tmp_path):
    """By chance ffmpeg's threads call fewer pictures corrupt than one alone does."""
    codec = (
        "-c:v libx264 -preset veryfast -threads 1 -bf 3 -pix_fmt yuv420p -x264-params open-gop=1:keyint=12"
    )
    moving = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4"]
    ffmpeg_run(*moving, *codec.split(), tmp_path / "whole.mp4")
    # Many, for how an encoder packs a picture depends on the processor, and which bytes count with it.
    path, noise = tmp_path / "film.mp4", "noise=amount=if(eq(mod(n\\,7)\\,3)\\,100\\,0)"
    ffmpeg_run("-i", tmp_path / "whole.mp4", "-c", "copy", "-bsf:v", noise, path)
    verdicts = []
    for _ in range(6):
        frames, timeline = read(path, allow_damaged=True)
        verdicts.append((len(frames), timeline.lost, sorted(timeline.damage.lost)))
    assert verdicts == [verdicts[0]] * 6
    assert verdicts[0][1] > 0


def test_what_else_the_decoder_complains_of_is_said(tmp_path):
    codec = ["-c:v", "libx264", "-g", "24", "-bf", "2", "-refs", "4", "-pix_fmt", "yuv420p"]
    whole = make_film(tmp_path / "whole.mkv", frames=FRAMES, codec=codec, sound=False)
    path = tmp_path / "film.mkv"
    ffmpeg_run("-i", whole, "-c", "copy", "-bsf:v", "noise=drop=eq(n\\,31)", path)
    for start in (0.0, 1.0):
        film, timeline = open_film(path, Reading(start=start))
        frames = read_frames(film, SIZE, timeline=timeline)
        assert len([next(frames) for _ in range(FRAMES // 2)])
        frames.close()  # a rendering that is stopped here has kept what it knows
        (note,) = [note for note in timeline.damage.notes if "complaint" in note]
        assert re.fullmatch(r"decodes, but not without complaint soon after 0:0[01]\.\d \(mmco: .*\)", note)


def test_a_title_that_reads_like_a_complaint_is_none(tmp_path):
    path = tmp_path / "the [error] of a [warning] corrupt decoded frame.mp4"
    words = "[fatal] corrupt decoded frame"
    first = make_film(tmp_path / "film.mp4", frames=24)
    ffmpeg_run("-i", first, "-c", "copy", "-metadata", f"title={words}", path)
    frames, timeline = read(path)
    assert (len(frames), timeline.damage.notes) == (24, [])
