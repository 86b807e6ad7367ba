"""Of a damaged film no frame is missing, extra or mistimed without a line that says so."""

import re

import numpy as np
import pytest
from films import LEVELS, ffmpeg_run, make_film, number_of, read

from autoencode.errors import DamagedError, UserError
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.film.scan import scan
from autoencode.film.timeline import at_constant_rate

FRAMES, SIZE = 120, (96, 64)
GROUP = 24  # pictures from one that leans on no other to the next: so far a hole may be seen


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """The same film in five containers, two of which ffmpeg believes whole when they are torn; its times."""
    folder = tmp_path_factory.mktemp("films")
    x264 = f"libx264 -bf 2 -g {GROUP} -crf 12 -pix_fmt yuv420p"
    mpeg4 = f"mpeg4 -q:v 2 -bf 2 -g {GROUP}"
    codecs = {"mp4": x264, "mkv": x264, "ts": x264, "avi": mpeg4, "wmv": "wmv2 -q:v 2"}
    made = [
        make_film(folder / f"film.{suffix}", frames=FRAMES, codec=["-c:v", *codec.split()])
        for suffix, codec in codecs.items()
    ]
    return [(path, [frame.time for frame in read(path)[0]]) for path in made]


def damaged(path, number, folder):
    """A copy with some bits turned, a stretch zeroed, a piece cut out, or the end cut off."""
    draws, raw = np.random.default_rng(number), bytearray(path.read_bytes())
    begin = int(draws.integers(200, len(raw) - 200))
    length = int(draws.integers(100, len(raw) // 10))
    match number % 4:
        case 0:
            for place in draws.integers(0, len(raw), draws.integers(1, 30)):
                raw[place] ^= 1 << draws.integers(0, 8)
        case 1:
            raw[begin : begin + length] = bytes(len(raw[begin : begin + length]))
        case 2:
            del raw[begin : begin + length]
        case 3:
            del raw[begin:]
    broken = folder / f"{number}{path.suffix}"
    broken.write_bytes(raw)
    return broken


def check(films, number, folder):
    path, times = films[number % len(films)]
    broken = damaged(path, number, folder)
    verdict = "whole"
    try:
        frames, timeline = read(broken)
    except DamagedError:
        verdict = "refused"
        frames, timeline = read(broken, allow_damaged=True)
    except UserError:
        return "unreadable"
    said = "; ".join(timeline.damage.notes)
    if said:
        assert len(frames) == FRAMES or re.search("missing|cannot be|breaks off|left out|fewer", said), said
    else:
        assert len(frames) == FRAMES, f"{number}: {len(frames)} frames and not a word"
    # What is left is where it was, each at its own time, and for the most part what it was.
    places = [int(np.abs(np.subtract(times, frame.time)).argmin()) for frame in frames]
    strayed = max(abs(times[place] - frame.time) for place, frame in zip(places, frames, strict=True))
    assert strayed < 2e-3, f"{number}: {strayed} s from where it was; {said}"
    if path.suffix != ".avi":  # which has no times: where a piece is cut out of it, what follows moves up
        wrong = [place for place, frame in zip(places, frames, strict=True) if differs(frame, place)]
        assert len(wrong) <= GROUP, f"{number}: {wrong} are other pictures; {said}"
    return "noted" if said and verdict == "whole" else verdict


def differs(frame, place):
    return number_of(frame.pixels) != place % LEVELS


def test_a_few_damaged_films(films, tmp_path):
    verdicts = [check(films, number, tmp_path) for number in range(8, 20)]
    assert {"unreadable", "refused", "whole"} <= set(verdicts)


@pytest.mark.slow
def test_a_hundred_damaged_films(films, tmp_path):
    verdicts = [check(films, number, tmp_path) for number in range(12, 112)]
    print({verdict: verdicts.count(verdict) for verdict in set(verdicts)})


def test_what_is_gone_is_filled_by_the_picture_before_it(tmp_path):
    path = make_film(tmp_path / "film.mkv", frames=FRAMES, extra=["-g", "10", "-bf", "0"])
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + len(raw) // 10] = bytes(len(raw) // 10)
    path.write_bytes(raw)
    with pytest.raises(UserError, match="--allow_damaged"):
        read(path)
    film, timeline = open_film(path, Reading(allow_damaged=True))
    frames = list(at_constant_rate(read_frames(film, SIZE, timeline=timeline), timeline))
    assert timeline.damage.notes
    numbers = [number_of(frame.pixels) for frame in frames]
    assert len(numbers) == FRAMES
    late = [number for place, number in enumerate(numbers) if place % 72 != number]
    assert 0 < len(late) < 40


def test_what_a_torn_index_puts_beyond_the_edit_list_is_said(films, tmp_path):
    raw = bytearray(films[0][0].read_bytes())
    raw[raw.index(b"stts") + 19] ^= 1 << 5  # the last byte of how long a picture is shown
    (tmp_path / "film.mp4").write_bytes(raw)
    frames, timeline = read(tmp_path / "film.mp4")
    assert len(frames) < FRAMES
    assert timeline.damage.notes == [
        f"{FRAMES - len(frames)} pictures at its end lie outside of its edit list, and are left out"
    ]


def retimed(folder, seconds, frames):
    """A film of no more than pictures, each shown at `seconds`, of its number N."""
    first = make_film(folder / "first.mkv", frames=frames, sound=False, extra=["-g", "12", "-bf", "0"])
    ffmpeg_run("-i", first, "-c", "copy", "-bsf:v", f"setts=ts=({seconds})/TB", folder / "film.mkv")
    return folder / "film.mkv"


def test_at_a_varying_pace_nobody_can_count_what_is_gone(tmp_path):
    path = retimed(tmp_path, "0.04*N+0.05*floor(N/5)", frames=240)
    assert read(path)[1].damage.notes == []
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) * 6 // 10] = bytes(len(raw) * 6 // 10 - len(raw) // 2)
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"varying pace.*perhaps in the .* s after 0:0.*--allow_damaged"):
        read(path)
    frames, timeline = read(path, allow_damaged=True)
    assert len(frames) < 240
    assert any("varying pace" in note for note in timeline.damage.notes)


def test_many_holes_are_not_all_named_but_counted(tmp_path):
    path = retimed(tmp_path, "(N+floor(N/30))/24", frames=450)
    notes = read(path)[1].damage.notes
    assert notes[0] == "1 picture after 0:01.2 (picture 30) missing; the one before stays"
    assert len(notes) == 11
    assert notes[-1] == "and so after 4 more of its pictures"


def test_packets_that_were_not_received_are_pictures_that_are_missing(films, tmp_path):
    raw, packets = films[2][0].read_bytes(), films[2][0].stat().st_size // 188
    begin, end = packets // 3 * 188, packets // 2 * 188
    (tmp_path / "film.ts").write_bytes(raw[:begin] + raw[end:])
    with pytest.raises(UserError, match=r"pictures? after .* missing.*--allow_damaged"):
        read(tmp_path / "film.ts")


def test_a_hole_in_a_film_that_is_only_counted_is_where_it_is(tmp_path):
    path = make_film(
        tmp_path / "film.avi", frames=60, codec=["-c:v", "mpeg4", "-q:v", "2", "-g", "12", "-bf", "2"]
    )
    raw = bytearray(path.read_bytes())
    chunks = [match.end() for match in re.finditer(b"00dc", raw) if match.start() > raw.index(b"movi")]
    for chunk in chunks[30:34]:
        size = int.from_bytes(raw[chunk : chunk + 4], "little")
        raw[chunk + 4 : chunk + 4 + size] = bytes(size)
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"4 pictures .*\(picture 30\).*--allow_damaged"):
        read(path)
    frames, _ = read(path, allow_damaged=True)
    assert [number_of(frame.pixels) for frame in frames][-24:] == list(range(36, 60))
    assert frames[-1].time == pytest.approx(59 / 24, abs=1e-3)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_second_picture_that_goes_on_longer_is_no_damage(tmp_path, suffix):
    path = make_film(tmp_path / "film.mkv", frames=FRAMES)
    both = tmp_path / f"both.{suffix}"
    longer = ["-f", "lavfi", "-i", "testsrc=s=96x64:r=30:d=8"]
    ffmpeg_run("-i", path, *longer, "-map", "0", "-map", "1", "-c:v", "libx264", "-c:a", "copy", both)
    assert scan(probe(both)).count == FRAMES
    both.write_bytes(both.read_bytes()[: both.stat().st_size * 9 // 10])
    with pytest.raises(UserError, match=r"copy (it|the film) again"):
        scan(probe(both))


def test_a_film_that_breaks_off_gives_what_there_is(tmp_path):
    path = make_film(tmp_path / "film.mkv", frames=FRAMES)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, timeline = read(path, allow_damaged=True)
    assert 30 < len(frames) < 90
    assert any("breaks off" in note for note in timeline.damage.notes)
    assert probe(path).duration == pytest.approx(5)


@pytest.mark.parametrize("number", [3, 11, 19])
@pytest.mark.parametrize(("suffix", "codec"), [("avi", ["mpeg4", "-bf", "2"]), ("wmv", ["wmv2"])])
def test_an_end_that_is_cut_off_is_missed_where_only_the_header_tells(tmp_path, suffix, codec, number):
    path = make_film(tmp_path / f"film.{suffix}", frames=FRAMES, codec=["-c:v", *codec, "-q:v", "2"])
    assert read(path)[1].damage.notes == []
    with pytest.raises(UserError, match=r"breaks off at .* bytes before its header says.*--allow_damaged"):
        read(damaged(path, number, tmp_path))


def test_a_leap_of_the_clock_is_no_pause(tmp_path):
    path = retimed(tmp_path, "N/24+30*floor(N/48)", frames=96)
    with pytest.raises(UserError, match=r"720 pictures after 0:02.0 \(picture 48\) missing.*--allow_damaged"):
        read(path)
