"""What a film says about itself, read from the header that `ffmpeg -i` prints."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from autoencode.errors import UserError
from autoencode.film import ffmpeg


class Crop(NamedTuple):
    """A part of a picture, in pixels from its upper left corner."""

    width: int
    height: int
    x: int
    y: int


@dataclass(frozen=True)
class FilmInfo:
    """A film's header. "As shown" means after the rotation flag, which ffmpeg obeys when it decodes.

    And how its pictures are to be read, which the header does not know: `survey` finds that out.
    """

    path: Path
    container: str  # as ffmpeg calls it
    codec: str  # of the picture, likewise
    width: int  # pixels as shown, before the sample aspect stretches them
    height: int  # pixels as shown
    sample_aspect: Fraction  # width / height of one pixel as shown
    rate: Fraction  # nominal frames per second
    duration: float | None  # seconds, of the longest stream; None where the header does not know
    picture_duration: float | None  # of the picture alone, where the header has that
    start_time: float  # seconds, the file's first timestamp; all times elsewhere count from it
    rotation: int  # degrees that the coded picture is turned counter-clockwise: 0, 90, 180 or 270
    matrix: str | None  # the YUV matrix that the stream states, or None: then it has to be guessed
    transfer: str | None  # the transfer function that the stream states, as ffmpeg calls it
    order: str | None  # of a picture's two fields, if the stream states it: progressive, top first, …
    audio: tuple[str, ...]  # codec of each audio track, but for those that are only announced
    places: tuple[int, ...]  # of each of them, among the file's audio tracks
    announced: int = 0  # audio tracks of which nothing else is known: they have no sound, or only much later
    pictures: int = 1  # streams of moving pictures, of which the first is read
    subtitles: tuple[str, ...] = ()  # codec of each subtitle track
    spoken: tuple[str, ...] = ()  # language of each audio track, as its header has it: eng, or nothing
    written: tuple[str, ...] = ()  # of each subtitle track
    crop: Crop | None = None  # the part of the picture as shown that is used; None: all
    deinterlace: bool = False  # whether pictures are woven of two fields, that have to be made one

    @property
    def clocked(self) -> bool:
        """Whether it was made to be sent, not kept: no header knows its length, its clock may be set anew."""
        return self.container in ("mpegts", "mpeg")

    @property
    def streams(self) -> tuple[str, ...]:
        """Picture, sound and subtitles, as ffmpeg's -map has them."""
        return ("0:V:0", *(f"0:a:{place}" for place in self.places), "0:s?")

    @property
    def progressive(self) -> bool:
        """Whether the stream states that its pictures are whole, not woven of two fields."""
        return self.order == "progressive"

    @property
    def display_aspect(self) -> Fraction:
        """Width / height of the whole picture as shown."""
        return Fraction(self.width, self.height) * self.sample_aspect

    @property
    def coded_width(self) -> int:
        """Columns of the picture as it lies in the file, before rotation."""
        return self.height if self.rotation in (90, 270) else self.width

    @property
    def coded_height(self) -> int:
        """Rows of the picture as it lies in the file, before rotation."""
        return self.width if self.rotation in (90, 270) else self.height


def probe(path: str | Path) -> FilmInfo:
    """Reads the header of the film at `path`; takes a few hundredths of a second.

    Raises:
      UserError: `path` is missing, not a file, empty, not a film, a still picture, or sound only.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file; check the name")
    if not path.is_file():
        raise UserError(f"{path}: a folder or a device, not a film; name a film file")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: may not be read; ask for the right to, or copy it")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; copy the film again")
    # Without an output ffmpeg prints the header and exits with an error, so its status says nothing.
    ran = ffmpeg.run(ffmpeg.source(path))
    # The name is the one thing in the header that may hold anything, whole lines of it too.
    text = ran.stderr.replace(os.fsencode(f"file:{path}"), b"the film").decode(errors="replace")
    container = re.search(r"^Input #0, (\S+),", text, re.MULTILINE)
    if container is None:
        if "Format not on whitelist" in text:
            raise UserError(f"{path}: a still picture or a list, not a film; name a film file")
        raise UserError(
            f"{path}: not a film that ffmpeg can read ({_reason(text, ran.returncode)});"
            " copy it again, or try another"
        )
    streams = _streams(text)
    # A cover picture in a music file is a video stream by name only.
    pictures = [lines for lines in streams if _is(lines, "Video") and "(attached pic)" not in lines[0]]
    sounds = [lines[0] for lines in streams if _is(lines, "Audio")]
    audio = {place: line for place, line in enumerate(sounds) if re.search(r", \d+ Hz", line)}
    if not pictures:
        what = "has sound but no moving picture" if sounds else "holds no moving picture"
        raise UserError(f"{path}: {what}; name a film file")
    if _is_text_or_still(container[1], _codec(pictures[0][0])):
        raise UserError(
            f"{path}: a text or a still picture, not a film; name a film file, and put"
            " pictures that follow each other bare into a .mov or .mkv"
        )
    subtitles = [lines[0] for lines in streams if _is(lines, "Subtitle")]
    film = _film(path, container[1], text, pictures[0], audio, subtitles)
    return replace(film, pictures=len(pictures), announced=len(sounds) - len(audio))


def _film(
    path: Path,
    container: str,
    text: str,
    stream: list[str],
    audio: dict[int, str],
    subtitles: list[str],
) -> FilmInfo:
    line = stream[0]
    size = re.search(r", (\d+)x(\d+)(?=[ ,]|$)", line)
    if size is None or 0 in (int(size[1]), int(size[2])):
        raise UserError(f"{path}: the picture's size cannot be read; the file may be damaged, copy it again")
    width, height, aspect = int(size[1]), int(size[2]), _sample_aspect(line)
    rotation = _rotation(stream)
    matrix, transfer = _colour(line)
    if rotation in (90, 270):
        width, height, aspect = height, width, 1 / aspect
    return FilmInfo(
        path=path,
        container=container,
        codec=_codec(line),
        width=width,
        height=height,
        sample_aspect=aspect,
        rate=_rate(line),
        duration=_duration(text),
        picture_duration=_picture_duration(stream),
        start_time=_start_time(text),
        rotation=rotation,
        matrix=matrix,
        transfer=transfer,
        order=next((word for word in _about_pixels(line) if re.search("progressive|first", word)), None),
        audio=tuple(map(_codec, audio.values())),
        places=tuple(audio),
        subtitles=tuple(map(_codec, subtitles)),
        spoken=tuple(map(_language, audio.values())),
        written=tuple(map(_language, subtitles)),
    )


def _reason(text: str, status: int) -> str:
    # ffmpeg ends with "Error opening input file <name>."; the cause stands in the line before.
    causes = re.findall(r"Error opening input: (.+)", text)
    return causes[-1].rstrip(".") if causes else ffmpeg.last_words(text, status)


_STREAM = r"\s*Stream #0:\d+(?:\[\w+\])?(?:\(([^()]*)\))?"
"""How the line of a stream begins: its number, and its language, of whatever letters."""


def _streams(text: str) -> list[list[str]]:
    """Each stream's line followed by the lines about it (metadata, side data)."""
    streams: list[list[str]] = []
    for line in text.split("\n"):  # and not at what else may end a line inside of a title
        # Anchored: a title that reads like a stream's line stands behind "title   : ".
        if re.match(r"\s*Stream #0:\d+", line):
            streams.append([line])
        elif streams:
            streams[-1].append(line)
    return streams


def _is(stream: list[str], kind: str) -> bool:
    return re.match(rf"{_STREAM}: {kind}: ", stream[0]) is not None


def _codec(line: str) -> str:
    found = re.search(r": (?:Video|Audio|Subtitle): (\w+)", line)
    return found[1] if found else "unknown"


def _language(line: str) -> str:
    found = re.match(_STREAM, line)
    return (found and found[1]) or ""


def _is_text_or_still(container: str, codec: str) -> bool:
    # ffmpeg's tty demuxer takes any text for a film of scrolling letters.
    names = container.split(",")
    return codec in ("ansi", "bintext", "xbin", "idf") or any(
        name in ("tty", "image2", "ico") or name.endswith("_pipe") for name in names
    )


def _sample_aspect(line: str) -> Fraction:
    # The container's word (without brackets, printed only where it differs) outranks the codec's.
    for pattern in (r", SAR (\d+):(\d+)", r"\[SAR (\d+):(\d+)"):
        found = re.search(pattern, line)
        if found and int(found[1]) and int(found[2]):
            return Fraction(int(found[1]), int(found[2]))
    return Fraction(1)


def _rate(line: str) -> Fraction:
    for unit in ("fps", "tbr"):
        found = re.search(rf", (\d+(?:\.\d+)?)(k?) {unit}", line)
        if found and float(found[1]) > 0:
            return _exact_rate(found[1]) * (1000 if found[2] else 1)
    return Fraction(25)  # a header without any rate; the timestamps decide later


def _exact_rate(printed: str) -> Fraction:
    """The rate behind two printed decimals: 23.98 is 24000/1001, 12.50 is 25/2."""
    value = Fraction(printed)
    ntsc = Fraction(round(value) * 1000, 1001)
    if value.denominator != 1 and abs(ntsc - value) <= Fraction(6, 1000):
        return ntsc
    return value


def _duration(text: str) -> float | None:
    found = re.search(r"^  Duration: (\d+):(\d+):(\d+\.\d+)", text, re.MULTILINE)
    # A duration guessed from the bit rate would make a whole file look broken off.
    return None if "Estimating duration from bitrate" in text else _seconds(found)


def _picture_duration(stream: list[str]) -> float | None:
    found = (re.match(r"\s+DURATION\s*: (\d+):(\d+):(\d+\.\d+)$", line) for line in stream)
    return _seconds(next(filter(None, found), None))


def _seconds(found: re.Match | None) -> float | None:
    return found and int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _start_time(text: str) -> float:
    found = re.search(r"^  Duration: .*?, start: (-?\d+\.\d+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _rotation(stream: list[str]) -> int:
    for line in stream[1:]:
        found = re.search(r"display ?matrix: rotation of (-?\d+(?:\.\d+)?) degrees", line, re.IGNORECASE)
        if found:
            # Only quarter turns change the shape; ffmpeg rotates by odd angles inside the same frame.
            degrees = float(found[1]) % 360
            quarter = round(degrees / 90) * 90
            return quarter % 360 if abs(degrees - quarter) < 1 else 0
    return 0


_MATRICES = {
    "bt709",
    "fcc",
    "bt470bg",
    "smpte170m",
    "smpte240m",
    "ycgco",
    "bt2020nc",
    "bt2020c",
    "ictcp",
    "gbr",
}


def _colour(line: str) -> tuple[str | None, str | None]:
    """The matrix and the transfer function that a stream states."""
    # "tv, bt709, progressive", or matrix/primaries/transfer where the three differ.
    for word in _about_pixels(line):
        matrix, _, rest = word.partition("/")
        if matrix in _MATRICES or rest:
            transfer = rest.partition("/")[2] if rest else matrix
            return (matrix if matrix in _MATRICES else None), (None if transfer == "unknown" else transfer)
    found = re.search(r"Video: [^,]+?, (?:rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8)", line)
    return ("gbr" if found else None), None


def _about_pixels(line: str) -> list[str]:
    """What stands in brackets behind the pixel format: range, colour, order of the fields."""
    found = re.search(r"Video: [^,]+?, \w+\(((?:[^()]|\([^()]*\))*)\)", line)
    return found[1].split(", ") if found else []
