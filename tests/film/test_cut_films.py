"""Films cut out of others and not encoded again: at their ends are pictures that lean on absent ones."""

import numpy as np
import pytest
from films import ffmpeg_run, make_film, read

from autoencode.film.decoder_log import decoder_log
from autoencode.film.probe import probe

KINDS = {
    "ts": "-c:v libx264 -preset veryfast -bf 2 -g 100 -pix_fmt yuv420p -c:a aac",
    "mpg": "-c:v mpeg2video -bf 2 -q:v 4 -c:a mp2",
    "avi": "-c:v mpeg4 -bf 2 -q:v 4 -c:a libmp3lame",
}


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("suffix", KINDS)
def test_a_piece_that_was_cut_out_is_taken_with_a_note_at_most(tmp_path, suffix, place):
    whole, piece = tmp_path / f"whole.{suffix}", tmp_path / f"piece.{suffix}"
    sources = "-f lavfi -i testsrc2=s=160x90:r=25:d=10 -f lavfi -i sine=duration=10"
    ffmpeg_run(*sources.split(), *KINDS[suffix].split(), whole)
    source, seek = ["-i", whole], ["-ss", 2.3, "-t", 5]
    ffmpeg_run(*(seek + source if place == "before" else source + seek), "-c", "copy", piece)
    frames, timeline = read(piece)
    assert timeline.count - len(frames) <= 2


def test_in_an_mpeg_program_that_was_cut_pictures_keep_their_times(tmp_path):
    """Those of B-frames are known, and those of the others only by counting."""
    codec = ["-c:v", "mpeg2video", "-bf", "2", "-q:v", "2", "-g", "24"]
    whole = make_film(tmp_path / "whole.mpg", frames=240, codec=codec)
    ffmpeg_run("-ss", 3.2, "-i", whole, "-c", "copy", tmp_path / "piece.mpg")
    frames, timeline = read(tmp_path / "piece.mpg")
    film = probe(tmp_path / "piece.mpg")
    begin = film.start_time
    pairs = list(zip(frames, decoder_log(film.source, film.stream), strict=True))
    apart = [frame.time - (picture.time - begin) for frame, picture in pairs if picture.bidirectional]
    assert np.abs(apart[:20]).max() < 0.001  # further on the muxer that cut it loses the beat
    assert timeline.lost == 2
    assert any(note.startswith("2 pictures before 0:00") for note in timeline.damage.notes)


def test_the_first_picture_may_come_before_those_that_lean_on_absent_ones(tmp_path):
    source = "-f lavfi -i mandelbrot=s=192x128:r=24 -t 5 -c:v mpeg2video -bf 2 -g 24 -pix_fmt yuv420p"
    ffmpeg_run(*source.split(), tmp_path / "whole.mpg")
    ffmpeg_run("-ss", 2.5, "-i", tmp_path / "whole.mpg", "-c", "copy", tmp_path / "piece.mov")
    timeline = read(tmp_path / "piece.mov")[1]
    assert timeline.lost == 3
    (note,) = timeline.damage.notes
    assert note.startswith("3 pictures before 0:00.2 (picture 2)")


@pytest.mark.parametrize("codec", ["copy", "libx264"])
def test_sound_from_before_the_beginning_is_no_length_of_the_picture(tmp_path, codec):
    """Matroska counts what a cut left of the sound, to be decoded and not heard, as length of the film."""
    whole = make_film(tmp_path / "whole.mp4", frames=96)
    ffmpeg_run("-ss", 2.5, "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    ffmpeg_run("-i", tmp_path / "cut.mp4", "-c:v", codec, "-c:a", "copy", tmp_path / "film.mkv")
    assert not read(tmp_path / "film.mkv")[1].damage.notes


def test_an_mpeg_program_of_small_pictures_is_whole(tmp_path):
    """Several share a packet, and some their time of decoding."""
    sources = "-f lavfi -i color=gray:s=160x120:r=25:d=4 -f lavfi -i sine=d=4"
    codecs = "-c:v mpeg2video -q:v 3 -c:a mp2 -pix_fmt yuv420p"
    ffmpeg_run(*sources.split(), *codecs.split(), tmp_path / "film.mpg")
    frames, timeline = read(tmp_path / "film.mpg")
    assert len(frames) == timeline.count == 100
    assert not timeline.damage.notes
