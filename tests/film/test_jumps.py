"""Several recordings in one file, each with a clock of its own."""

import numpy as np
import pytest
from films import ffmpeg_run, film_writer, heard, make_film, number_of, numbered, read

from autoencode.errors import UserError
from autoencode.film.companions import Companions
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.resequence import resequence

SIZE = (96, 64)


@pytest.mark.parametrize("later", [0, 600], ids=["back", "on"])
def test_two_recordings_in_one_file_follow_each_other_when_that_is_allowed(tmp_path, later):
    parts = [
        make_film(tmp_path / "a.ts", frames=72),
        make_film(tmp_path / "b.ts", frames=48, extra=["-output_ts_offset", str(later)]),
    ]
    path = tmp_path / "film.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(UserError, match=r"jumps near picture 73.*--allow_damaged"):
        read(path)

    film, timeline = open_film(path, Reading(allow_damaged=True))
    source = Companions(film, delay=timeline.begin, stretches=timeline.stretches)
    made = film_writer(tmp_path / "made.mkv", 24, SIZE, source)
    resequence(film, timeline, SIZE, lambda frames, first: frames, made)
    shown = [number_of(frame.pixels) for frame in read_frames(probe(made.path), SIZE)]
    assert shown == [*range(72), *range(48)]
    assert len(heard(made.path)) / 48000 == pytest.approx(5, abs=0.1)
    excerpt = read(path, allow_damaged=True, start=3.5)[0]
    assert number_of(excerpt[0].pixels) == 12 - round(timeline.begin * 24)


@pytest.mark.parametrize("sound", ["aac", "mp2", "s302m -ar 48000 -ac 2 -strict -2"])
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_each_recording_keeps_its_sound(tmp_path, sound, torn):
    """However many there are, though their sound is longer than their pictures or they begin anywhere."""
    picture = "-f rawvideo -pix_fmt rgb24 -s 96x64 -r 24 -i pipe:0"
    sounds = r"-f lavfi -i aevalsrc=0.8*sin(2*PI*1000*t)*lt(mod(t+0.5\,1)\,0.02):s=48000:d=3.4"
    codecs = f"-c:v libx264 -bf 2 -g 24 -crf 4 -pix_fmt yuv420p -c:a {sound}"
    pictures = numbered(72, SIZE)
    whole = tmp_path / "whole.ts"
    ffmpeg_run(*f"{picture} {sounds} {codecs}".split(), whole, stdin=pictures.tobytes())
    one, path = whole.read_bytes(), tmp_path / "film.ts"
    path.write_bytes(one + 3 * (one[len(one) // 4 // 188 * 188 :] if torn else one))
    with pytest.raises(UserError, match=r"jumps near picture 73.*--allow_damaged"):
        read(path)
    film, timeline = open_film(path, Reading(allow_damaged=True))
    jumps = [note for note in timeline.damage.notes if note.startswith("its clock jumps")]
    assert len(jumps) == 3
    source = Companions(film, delay=timeline.begin, stretches=timeline.stretches)
    made = film_writer(tmp_path / "made.mkv", 24, SIZE, source)
    resequence(film, timeline, SIZE, lambda frames, first: frames, made)
    shown = [number_of(frame.pixels) for frame in read_frames(probe(made.path), SIZE)]
    assert len(shown) == timeline.frames_out
    moments = clicks(made.path) - timeline.begin
    assert len(moments) == (9 if torn else 12)
    if not torn:
        assert shown == [*range(72)] * 4
    # A click sounds with the 12th picture of each second.
    assert np.abs(moments * 24 - np.round(moments * 24)).max() < 0.005 * 24
    assert {shown[round(moment * 24)] % 24 for moment in moments} == {12}


def clicks(path):
    """When each begins, in seconds, where the packets' times have it."""
    filters = "aresample=48000:async=1:min_hard_comp=0.002:first_pts=0"
    samples = ffmpeg_run("-i", path, *f"-map 0:a:0 -af {filters} -ac 1 -f f32le -".split())
    loud = np.flatnonzero(np.abs(np.frombuffer(samples, np.float32)) > 0.3) / 48000
    return loud[np.diff(loud, prepend=-1) > 0.5]


def test_sound_that_no_film_takes_as_it_is_comes_along_from_two_recordings_too(tmp_path):
    odd = ["-c:a", "s302m", "-ar", "48000", "-ac", "2", "-strict", "-2"]
    parts = [make_film(tmp_path / f"{name}.ts", frames=72, extra=odd) for name in "ab"]
    path = tmp_path / "film.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    film, timeline = open_film(path, Reading(allow_damaged=True))
    source = Companions(film, delay=timeline.begin, stretches=timeline.stretches)
    made = film_writer(tmp_path / "made.mp4", 24, SIZE, source)
    resequence(film, timeline, SIZE, lambda frames, first: frames, made)
    assert probe(made.path).audio == ("aac",)
    assert len(heard(made.path)) / 48000 == pytest.approx(6, abs=0.1)


def test_a_picture_that_is_held_for_long_is_no_jump(tmp_path):
    still = ["-f", "lavfi", "-i", "color=gray:s=96x64:r=24:d=4", "-f", "lavfi", "-i", "sine=d=16"]
    held = "settb=1/1000,setpts=N/24/TB+12/TB*gte(N\\,72)"
    options = ["-fps_mode", "passthrough", "-enc_time_base", "1/1000", "-c:v", "libx264", "-bf", "0"]
    ffmpeg_run(*still, "-vf", held, *options, tmp_path / "film.ts")
    with pytest.raises(UserError, match="288 pictures after 0:0"):
        read(tmp_path / "film.ts")
    _, timeline = read(tmp_path / "film.ts", allow_damaged=True)
    assert timeline.stretches is None
    assert timeline.duration == pytest.approx(16, abs=0.1)
