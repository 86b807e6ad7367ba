"""Several recordings in one file, each with a clock of its own."""

import re
from itertools import pairwise

import numpy as np
import pytest
from films import ffmpeg_run, film_writer, heard, make_film, number_of, read
from recordings import SIZE, clicks, in_sync, recording, rendered

from autoencode.errors import UserError
from autoencode.film.companions import Companions
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.resequence import resequence


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


@pytest.mark.parametrize(
    "sound", ["aac", "mp2", pytest.param("s302m -ar 48000 -ac 2 -strict -2", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_each_recording_keeps_its_sound(tmp_path, sound, torn):
    """However many there are, though their sound is longer than their pictures or they begin anywhere."""
    one, path = recording(tmp_path / "whole.ts", sound=sound), tmp_path / "film.ts"
    path.write_bytes(one + 3 * (one[len(one) // 4 // 188 * 188 :] if torn else one))
    with pytest.raises(UserError, match=r"jumps near picture 73.*--allow_damaged"):
        read(path)
    made, shown, timeline = rendered(path)
    jumps = [note for note in timeline.damage.notes if note.startswith("its clock jumps")]
    assert len(jumps) == 3
    assert in_sync(made, shown, timeline) == (9 if torn else 12)
    if not torn:
        assert shown == [*range(72)] * 4


@pytest.mark.parametrize("later", [2.7, 3.0, 500])
def test_a_clock_may_be_set_anew_by_little_or_much(tmp_path, later):
    one = recording(tmp_path / "a.ts")
    two = recording(tmp_path / "b.ts", 48, first=24, extra=f"-output_ts_offset {later}")
    (tmp_path / "film.ts").write_bytes(one + two)
    made, shown, timeline = rendered(tmp_path / "film.ts")
    assert shown == [*range(72), *range(24, 72)]
    assert in_sync(made, shown, timeline) == 5


def test_a_track_that_only_the_second_recording_has_lies_beside_it(tmp_path):
    one, two = recording(tmp_path / "a.ts"), recording(tmp_path / "b.ts", 48, tracks=2)
    (tmp_path / "film.ts").write_bytes(one + two)
    made, shown, timeline = rendered(tmp_path / "film.ts")
    assert [in_sync(made, shown, timeline, track) for track in (0, 1)] == [5, 2]
    assert clicks(made, 1)[0] - timeline.begin == pytest.approx(3.5, abs=0.005)


def test_silent_recordings_are_silent(tmp_path):
    one, two = recording(tmp_path / "a.ts", 48, tracks=0), recording(tmp_path / "b.ts", 48)
    (tmp_path / "film.ts").write_bytes(one + two + one + two)
    made, shown, timeline = rendered(tmp_path / "film.ts")
    assert in_sync(made, shown, timeline) == 4
    np.testing.assert_allclose(clicks(made) - timeline.begin, [2.5, 3.5, 6.5, 7.5], atol=0.005)


def test_mpeg_programs_one_behind_the_other(tmp_path):
    one = recording(tmp_path / "a.mpg", 48, sound="mp2")
    two = recording(tmp_path / "b.mpg", sound="mp2")
    path = tmp_path / "film.mpg"
    path.write_bytes(one + two)
    assert rendered(path)[1] == [*range(48), *range(72)]
    excerpt = read(path, allow_damaged=True, start=1.5, duration=2.0)[0]
    assert [number_of(frame.pixels) for frame in excerpt] == [*range(36, 48), *range(36)]


def test_matroskas_one_behind_the_other(tmp_path):
    one, two = recording(tmp_path / "a.mkv", 48), recording(tmp_path / "b.mkv")
    (tmp_path / "film.mkv").write_bytes(one + two)
    made, shown, timeline = rendered(tmp_path / "film.mkv")
    assert shown == [*range(48), *range(72)]
    assert in_sync(made, shown, timeline) == 5


@pytest.mark.parametrize("extra", ["", "-live 1"])
def test_matroskas_that_ffmpeg_does_not_read_are_not_passed_over(tmp_path, extra):
    one = recording(tmp_path / "a.mkv", 48, extra=extra)
    (tmp_path / "film.mkv").write_bytes(one + recording(tmp_path / "b.mkv") + one)
    with pytest.raises(UserError, match="--allow_damaged"):
        read(tmp_path / "film.mkv")
    notes = read(tmp_path / "film.mkv", allow_damaged=True)[1].damage.notes
    assert any(note.startswith("another film lies behind it") for note in notes)


def test_a_clock_that_is_set_back_by_a_few_milliseconds_is_no_wrong_time(tmp_path):
    one = recording(tmp_path / "a.ts", sound="mp2")
    two = recording(tmp_path / "b.ts", 48, sound="mp2", extra="-output_ts_offset 3.02")
    (tmp_path / "film.ts").write_bytes(one + two)
    made, shown, timeline = rendered(tmp_path / "film.ts")
    assert shown == [*range(72), *range(48)]
    assert in_sync(made, shown, timeline) == 5


def test_sound_of_another_rate_is_heard_as_it_was(tmp_path):
    one = recording(tmp_path / "a.ts")
    two = recording(tmp_path / "b.ts", 48, extra="-ar 44100")
    (tmp_path / "film.ts").write_bytes(one + two)
    made, shown, timeline = rendered(tmp_path / "film.ts")
    assert in_sync(made, shown, timeline) == 5
    begin = round(clicks(made)[-1] * 48000)
    tone = np.abs(np.fft.rfft(heard(made)[begin + 48 : begin + 768] * np.hanning(720), 48000))
    assert np.argmax(tone) == pytest.approx(1000, abs=10)


def test_one_wrong_time_is_no_recording(tmp_path):
    raw = bytearray(recording(tmp_path / "a.ts"))
    begins = [place.start() for place in re.finditer(rb"\x00\x00\x01\xe0..\x80\xc0", raw, re.DOTALL)]
    wrong = next(place for place in begins[40:] if raw[place + 8] >= 10)
    for field in (9, 14):  # when it is shown, when decoded
        put_earlier(raw, wrong + field, 2 * 90000)
    (tmp_path / "film.ts").write_bytes(raw)
    with pytest.raises(UserError, match=r"picture 4\d, near 0:01\.\d, has a wrong time"):
        read(tmp_path / "film.ts")
    made, shown, timeline = rendered(tmp_path / "film.ts")
    assert shown == [*range(72)]
    assert in_sync(made, shown, timeline) == 3


def put_earlier(raw, place, ticks):
    """A time of MPEG's, 33 bits in five bytes."""
    high, middle, low = raw[place] >> 1 & 7, raw[place + 1 : place + 3], raw[place + 3 : place + 5]
    time = high << 30 | int.from_bytes(middle, "big") >> 1 << 15 | int.from_bytes(low, "big") >> 1
    time -= ticks
    raw[place] = raw[place] & 0xF1 | time >> 30 << 1
    raw[place + 1 : place + 3] = ((time >> 15 & 0x7FFF) << 1 | 1).to_bytes(2, "big")
    raw[place + 3 : place + 5] = ((time & 0x7FFF) << 1 | 1).to_bytes(2, "big")


def test_a_long_silence_is_no_jump_of_the_clock(tmp_path):
    gap = r"-bsf:a noise=drop=gt(pts*tb\,3.4)*lt(pts*tb\,16.6)"
    recording(tmp_path / "film.ts", 480, extra=gap)
    made, shown, timeline = rendered(tmp_path / "film.ts")
    assert not timeline.damage.suffered
    assert in_sync(made, shown, timeline) == 6


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


@pytest.mark.parametrize("suffix", ["mp4", "mov", "avi", "flv", "wmv"])
def test_another_film_that_only_lies_behind_the_first_is_not_passed_over(tmp_path, suffix):
    whole = make_film(tmp_path / f"a.{suffix}", frames=24)
    assert len(read(whole)[0]) == 24
    path = tmp_path / f"film.{suffix}"
    path.write_bytes(2 * whole.read_bytes())
    with pytest.raises(UserError, match=r"another film lies behind it.*--allow_damaged"):
        read(path)


def test_pieces_of_a_stream_may_each_begin_anew(tmp_path):
    extra = ["-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-g", "24"]
    pieces = make_film(tmp_path / "a.mp4", frames=48, extra=extra).read_bytes()
    begins = [found.start() - 4 for found in re.finditer(b"moof|mfra", pieces)]
    path = tmp_path / "film.mp4"
    path.write_bytes(b"".join(pieces[: begins[0]] + pieces[a:b] for a, b in pairwise(begins)))
    assert len(read(path)[0]) == 48
