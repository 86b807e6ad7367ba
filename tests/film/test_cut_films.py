"""Films cut out of others and not encoded again: at their ends are pictures that lean on absent ones."""

import pytest
from films import ffmpeg_run, read

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
