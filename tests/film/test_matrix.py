"""Films as they come, through all of a rendering but the networks: every frame accounted for, sound in sync.

Each picture carries its number as 8 large black and white squares on sand, over which nothing moves but a
white block at the lower edge; a click sounds at the full second.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from films import ffmpeg_run
from recordings import clicks

from autoencode.film.companions import Companions
from autoencode.film.decode import read_frames
from autoencode.film.format import Format
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.film.scan import scan
from autoencode.film.writer import FilmWriter
from autoencode.resequence import resequence

SIZE = (96, 64)
X264 = "-c:v libx264 -preset fast -bf 2 -crf 10 -pix_fmt yuv420p"
SECONDS = 3
SAND = (170, 125, 70)


class Case(NamedTuple):
    """A film, and what becomes of it."""

    suffix: str = "mkv"
    rate: str = "24"
    size: tuple[int, int] = (192, 128)
    codec: str = X264
    filters: str = ""  # on the way into the film
    late: float = 0.0  # seconds by which the picture is late
    sound_late: float = 0.0  # and the sound
    after: str = ""  # of the output
    sound: bool = True
    frames: int | None = None
    times: Callable[[int], str] | None = None  # when pictures are shown: an expression in N, in seconds
    made: int | None = None  # frames that come out, if not as many as go in
    reading: Reading = Reading()
    fields: int = 1  # of a picture, with the same number
    again: str = ""  # options of a second ffmpeg that the film goes through
    number: Callable[[int], int] = lambda place: place  # of the picture that a frame of the film shows


VARIABLE = "N/24+0.5*gte(N\\,24)"  # half a second of nothing after the first
CASES = {
    "24 frames a second": Case("mp4"),
    "23.976": Case(rate="24000/1001"),
    "25": Case("mov", rate="25"),
    "29.97": Case("mp4", rate="30000/1001"),
    "50": Case(rate="50"),
    "59.94": Case("mp4", rate="60000/1001"),
    "the picture begins late": Case(late=0.5),
    "the sound begins late": Case("mp4", sound_late=0.4),
    "an edit list": Case("mp4", again="-ss 1 -i {} -c copy", made=48, number=lambda place: place + 24),
    "no length in the header": Case("mkv", after="-live 1"),
    "a bare stream": Case("h264", sound=False),
    "a varying rate": Case(times=VARIABLE, made=84),
    "a varying rate in mp4": Case("mp4", times=VARIABLE, made=84),
    "turned by a quarter": Case("mp4", filters="transpose=1", again="-display_rotation 90 -i {} -c copy"),
    "pixels that are not square": Case(size=(128, 128), filters="setsar=3/2"),
    "odd sides": Case(size=(193, 129), codec=X264.replace("yuv420p", "yuv444p")),
    # A little lopsided: to cut the middle out is not enough.
    "bars above and below": Case(filters="pad=192:192:0:28"),
    "bars at the sides": Case(filters="pad=256:128:28:0"),
    "interlaced": Case(
        rate="48",
        codec=X264 + " -flags +ildct+ilme",
        filters="interlace=lowpass=off,setfield=tff",
        made=72,
        fields=2,
    ),
    "full range": Case("mp4", filters="scale=out_range=pc,setparams=range=pc"),
    "BT.601": Case(filters="scale=out_color_matrix=bt601,setparams=colorspace=smpte170m"),
    "BT.709": Case("mp4", filters="scale=out_color_matrix=bt709,setparams=colorspace=bt709"),
    "ten bits": Case(codec=X264.replace("yuv420p", "yuv420p10le")),
    "MPEG-TS": Case("ts"),
    "an MPEG program": Case("mpg", rate="25", codec="-c:v mpeg2video -q:v 2 -bf 2"),
    "a DVD's, without B": Case("vob", rate="25", codec="-c:v mpeg2video -q:v 2 -bf 0"),
    "AVI": Case("avi", codec="-c:v mpeg4 -q:v 2 -bf 2"),
    "ProRes": Case("mov", codec="-c:v prores_ks -pix_fmt yuv422p10le"),
    "one picture": Case("mp4", frames=1, sound=False),
    "one pixel": Case(codec="-c:v ffv1", size=(1, 1), frames=24),
    "an excerpt": Case(reading=Reading(start=1.0, duration=1.5), made=36, number=lambda place: place + 24),
    "every third": Case("mp4", reading=Reading(every=3), made=24, number=lambda place: 3 * place),
}


def numbered(frames, size, each=1):
    """Pictures of sand with 8 squares in two rows, white for a bit that is set."""
    width, height = size
    pictures = np.full((frames, height, width, 3), SAND, np.uint8)
    for bit in range(8):
        down, across = divmod(bit, 4)
        top, left = (1 + 2 * down) * height // 5, (1 + 2 * across) * width // 9
        on = (np.arange(frames) // each >> bit & 1).astype(bool)
        pictures[:, top : top + height // 5, left : left + width // 9] = 40
        pictures[on, top : top + height // 5, left : left + width // 9] = 210
    for number in range(frames):
        left = 7 * number % max(1, width - width // 9)
        pictures[number, height * 5 // 6 :, left : left + width // 9] = 210
    return pictures


def number_of(pixels):
    height, width = pixels.shape[:2]
    places = [((3 + 4 * (bit // 4)) * height // 10, (3 + 4 * (bit % 4)) * width // 18) for bit in range(8)]
    return sum(
        int(pixels[y - 1 : y + 2, x - 1 : x + 2].mean() > 125) << bit for bit, (y, x) in enumerate(places)
    )


def sand_of(pixels):
    """The colour between the rows of squares."""
    height, width = pixels.shape[:2]
    return pixels[height // 2 - 2 : height // 2 + 2, width // 4 : width * 3 // 4].mean((0, 1))


def make(case: Case, folder: Path) -> Path:
    frames = case.frames or int(SECONDS * Fraction(case.rate))
    pictures = numbered(frames, case.size, case.fields)
    width, height = case.size
    filters = [case.filters] if case.filters else []
    if case.late:
        filters.append(f"settb=1/1000,setpts=PTS+{case.late}/TB")
    if case.times:
        filters.append(f"settb=1/1000,setpts=round(({case.times})/TB)")
    command = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {case.rate} -i pipe:0".split()
    if case.sound:
        clicks = f"aevalsrc=0.8*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.02):s=48000:d={SECONDS}"
        command += [
            "-itsoffset",
            str(case.sound_late),
            "-f",
            "lavfi",
            "-i",
            clicks,
            "-map",
            "0:v",
            "-map",
            "1:a",
        ]
        command += [
            "-c:a",
            {"mkv": "flac", "avi": "pcm_s16le", "mpg": "mp2", "vob": "mp2"}.get(case.suffix, "aac"),
        ]
    command += ["-vf", ",".join(filters or ["null"]), *case.codec.split(), "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "1/1000"] if case.times or case.late else []
    path = folder / f"film.{case.suffix}"
    ffmpeg_run(*command, *case.after.split(), path, stdin=pictures.tobytes())
    if case.again:
        path = path.rename(folder / f"first.{case.suffix}")
        words = [str(path) if word == "{}" else word for word in case.again.split()]
        path = folder / f"film.{case.suffix}"
        ffmpeg_run(*words, path)
    return path


def click(path):
    """When the first whole click begins, in seconds of the film's own clock."""
    film = probe(path)
    filters = f"asetpts=PTS-{film.start_time}/TB,aresample=48000:async=1:first_pts=0"
    samples = ffmpeg_run("-copyts", "-i", path, *f"-map 0:a:0 -af {filters} -ac 1 -f f32le -".split())
    loud = np.flatnonzero(np.abs(np.frombuffer(samples, np.float32)) > 0.3) / 48000
    return float(loud[loud > 0.5][0])


def in_pieces(path, first_track=0):
    """Edits tracks of an mp4, from one on, into two pieces: the first second, and all from the third on."""
    raw = bytearray(path.read_bytes())

    def number(place):
        return int.from_bytes(raw[place : place + 4], "big")

    def put(place, value):
        raw[place : place + 4] = value.to_bytes(4, "big")

    second, begin = number(raw.index(b"mvhd") + 16), 0
    for _ in range(first_track):
        begin = raw.index(b"elst", begin + 1)
    while (begin := raw.find(b"elst", begin + 1)) > 0:
        first, of_track = number(begin + 16), number(raw.index(b"mdhd", begin) + 16)
        put(begin + 8, 2)
        put(begin + 12, second)
        piece = [(SECONDS - 2) * second, first + 2 * of_track, 0x10000]
        raw[begin + 24 : begin + 24] = b"".join(value.to_bytes(4, "big") for value in piece)
        for box in (b"elst", b"edts", b"trak", b"moov"):
            size = raw.rindex(box, 0, begin + 4) - 4
            put(size, number(size) + 12)
    path.write_bytes(raw)


def test_pieces_of_an_edit_list(tmp_path):
    path = make(Case("mp4"), tmp_path)
    in_pieces(path)
    film, timeline = open_film(path)
    made = tmp_path / "made.mp4"
    assert timeline.damage.notes == ["shows pieces of itself, as its edit list has it, at an even pace"]
    source = Companions(film, edited=timeline.sound_edited)
    resequence(
        film,
        timeline,
        SIZE,
        lambda frames, first: frames,
        FilmWriter(made, Format(SIZE, timeline.rate, 128), source),
    )
    frames = read_frames(probe(made), (192, 128), timeline=scan(probe(made)))
    assert [number_of(frame.pixels) for frame in frames] == [*range(24), *range(48, 72)]
    filters = "aresample=48000:async=1:first_pts=0"
    samples = ffmpeg_run("-i", made, *f"-map 0:a:0 -af {filters} -ac 1 -f f32le -".split())
    loud = np.flatnonzero(np.abs(np.frombuffer(samples, np.float32)) > 0.3) / 48000
    clicks = loud[np.diff(loud, prepend=-1) > 0.5]
    np.testing.assert_allclose(clicks, [0, 1], atol=0.005)


def test_pieces_of_an_edit_list_of_the_sound_alone(tmp_path):
    path = make(Case("mp4"), tmp_path)
    in_pieces(path, first_track=1)
    film, timeline = open_film(path)
    source, made = Companions(film, edited=timeline.sound_edited), tmp_path / "made.mp4"
    writer = FilmWriter(made, Format(SIZE, timeline.rate, 128), source)
    resequence(film, timeline, SIZE, lambda frames, first: frames, writer)
    np.testing.assert_allclose(clicks(made), clicks(path), atol=0.005)
    assert len(clicks(path)) == 2


@pytest.mark.parametrize("name", CASES)
def test_a_film_as_it_comes(tmp_path, name):
    case = CASES[name]
    path = make(case, tmp_path)
    film, timeline = open_film(path, case.reading)
    assert not timeline.damage.notes or case.times
    assert film.deinterlace == (name == "interlaced")
    made, part = tmp_path / "made.mp4", case.reading
    source = Companions(film, part.start, part.duration, timeline.times[0] - part.start)
    writer = FilmWriter(made, Format(SIZE, timeline.rate, 128), source)
    resequence(film, timeline, SIZE, lambda frames, first: frames, writer)

    frames = list(read_frames(probe(made), (192, 128), timeline=scan(probe(made))))
    expected = case.made or case.frames or int(SECONDS * Fraction(case.rate))
    assert len(frames) == expected == timeline.frames_out
    if min(case.size) > 1:
        shown = [number_of(frame.pixels) for frame in frames]
        if case.times:
            assert shown == [*range(24), *[23] * 12, *range(24, 72)]
        else:
            assert shown == [case.number(place) % 256 for place in range(expected)]
        colour = np.mean([sand_of(frame.pixels) for frame in frames], 0)
        np.testing.assert_allclose(colour, SAND, atol=4)
    rate = timeline.rate
    if not case.times:
        assert rate == Fraction(case.rate) / case.reading.every / case.fields
    late = frames[0].time
    assert frames[-1].time - late == pytest.approx(float((expected - 1) / rate), abs=0.001)
    assert scan(probe(made)).duration == pytest.approx(float(expected / rate), abs=1 / float(rate))
    if case.sound:
        before = click(path) - float(timeline.times[0])
        apart = click(made) - late - before
        apart -= part.start  # of the excerpt from 1 s on the click at 2 s is heard first
        assert abs(apart) < 0.005
