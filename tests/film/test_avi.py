"""AVIs, whose packets have no times: what is missing in them, and where."""

import re

import numpy as np
import pytest
from films import LEVELS, ffmpeg_run, make_film, number_of, numbered, read
from recordings import clicks, recording, rendered

from autoencode.errors import DamagedError, UserError
from autoencode.film.probe import probe

FRAMES, SIZE = 120, (96, 64)


@pytest.mark.parametrize("lost", [[60], [30, 60, 90], [*range(60, 70)], "a piece"])
def test_pictures_that_an_avi_no_longer_names_are_missed_where_they_were(tmp_path, lost):
    grain = np.random.default_rng(0).integers(-10, 11, (FRAMES, 64, 96, 3))
    grainy = (numbered(FRAMES, SIZE) + grain).astype(np.uint8)
    codec = ["-c:v", "mpeg4", "-q:v", "2", "-g", "1"]
    path = make_film(tmp_path / "film.avi", frames=grainy, codec=codec)
    raw = bytearray(path.read_bytes())
    movi, index = raw.index(b"movi"), raw.rindex(b"idx1")
    chunks = [movi + chunk.start() for chunk in re.finditer(b"00dc", raw[movi:index])][-FRAMES:]
    if lost == "a piece":
        lost = [60, 61]
        del raw[chunks[60] - 4 : chunks[62] - 4]
    else:
        for number in lost:
            raw[chunks[number] : chunks[number] + 4] = b"\x99\x00\x77\x12"
    path.write_bytes(raw)
    with pytest.raises(DamagedError):
        read(path)
    frames, timeline = read(path, allow_damaged=True)
    kept = [number for number in range(FRAMES) if number not in lost]
    assert [number_of(frame.pixels) for frame in frames] == [number % LEVELS for number in kept]
    late = [frame.time * 24 - number for frame, number in zip(frames, kept, strict=True)]
    np.testing.assert_allclose(late[1:], 1, atol=0.01)  # the first is shown twice as long
    assert any(f"{lost[0] / 24:.1f} (picture" in note for note in timeline.damage.notes)


@pytest.mark.parametrize(
    ("lost", "said"),
    [(slice(6), "6 pictures at its beginning"), (slice(101, FRAMES + 1), "20 pictures at its end")],
)
def test_pictures_that_an_avi_no_longer_names_are_missed_at_its_ends(tmp_path, lost, said):
    path = make_film(tmp_path / "film.avi", frames=FRAMES, codec=["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"])
    raw = bytearray(path.read_bytes())
    movi, index = raw.index(b"movi"), raw.rindex(b"idx1")
    chunks = [movi + chunk.start() for chunk in re.finditer(b"00dc", raw[movi:index])][
        -FRAMES - 1 :
    ]  # one is empty: the first picture is shown twice as long
    for place in chunks[lost]:
        raw[place : place + 4] = b"\x99\x00\x77\x12"
    path.write_bytes(raw)
    with pytest.raises(DamagedError, match=f"{said} cannot be read"):
        read(path)
    frames, _ = read(path, allow_damaged=True)
    kept = [
        max(0, place - 1)
        for place in range(FRAMES + 1)
        if place not in range(FRAMES + 1)[lost] and place != 1
    ]
    assert [number_of(frame.pixels) for frame in frames] == [number % LEVELS for number in kept]
    steps = np.diff([frame.time for frame in frames])
    np.testing.assert_allclose(steps[1:], 1 / 24, atol=0.001)


@pytest.mark.parametrize("sound", ["pcm_s16le", "ac3"])
@pytest.mark.parametrize("how", ["all names", "names of sound", "a piece"])
def test_behind_a_hole_in_an_avi_sound_is_with_its_pictures(tmp_path, sound, how):
    """Of six seconds half a one is gone, in which is the third click."""
    raw = bytearray(recording(tmp_path / "whole.avi", 144, sound=sound))
    movi, index = raw.index(b"movi"), raw.rindex(b"idx1") + 8
    entries = [raw[place : place + 16] for place in range(index, len(raw) - 15, 16)]
    chunks = [(bytes(entry[:4]), movi + int.from_bytes(entry[8:12], "little")) for entry in entries]
    pictures = [place for name, place in chunks if name == b"00dc"]
    begin, end = pictures[54], pictures[66]
    if how == "a piece":
        del raw[begin + 100 : end + 100]
    for name, place in chunks if how != "a piece" else []:
        if begin < place < end and (how == "all names" or name == b"01wb"):
            raw[place : place + 4] = bytes(4)
    (tmp_path / "film.avi").write_bytes(raw)
    made, _, timeline = rendered(tmp_path / "film.avi")
    moments = clicks(made) - timeline.begin
    whole = clicks(tmp_path / "whole.avi")
    np.testing.assert_allclose(moments, [*whole[:2], *whole[3:]], atol=0.005)
    assert "track 1 of its sound has nothing from 0:02.3 to 0:02.8" in timeline.damage.notes


def test_an_avi_that_counts_in_finer_steps_than_its_pictures_take_is_whole(tmp_path):
    extra = ["-video_track_timescale", "600"]
    first = make_film(tmp_path / "film.mp4", frames=FRAMES, sound=False, extra=extra)
    path = tmp_path / "film.avi"
    ffmpeg_run("-i", first, "-c", "copy", path)
    assert probe(path).rate == 600
    frames, timeline = read(path)
    assert (len(frames), timeline.rate, timeline.damage.notes) == (FRAMES, 24, [])


def test_pictures_that_are_gone_from_an_avi_are_missed(tmp_path):
    path = make_film(tmp_path / "film.avi", frames=FRAMES, codec=["-c:v", "mpeg4", "-q:v", "2", "-bf", "2"])
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 3000] = b""
    raw += bytes(3000)  # as long as its header says
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"cannot be read \(its index.*--allow_damaged"):
        read(path)


@pytest.mark.parametrize("entry", [28, 30])
def test_where_a_torn_index_of_an_avi_leads_ffmpeg_astray_pictures_are_missed(tmp_path, entry):
    """Be it torn where a piece of sound or a picture lies: it stops there."""
    raw = bytearray(recording(tmp_path / "whole.avi", 144, sound="pcm_s16le"))
    raw[raw.rindex(b"idx1") + 8 + 16 * entry + 10] ^= 0x40
    (tmp_path / "film.avi").write_bytes(raw)
    with pytest.raises(DamagedError, match=r"13\d pictures at its end cannot be read"):
        read(tmp_path / "film.avi")
