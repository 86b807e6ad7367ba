"""What stands in the header that `ffmpeg -i` prints, line by line."""

from __future__ import annotations

import re
from fractions import Fraction

_STREAM = r"\s*Stream #0:\d+(?:\[\w+\])?(?:\(([^()]*)\))?"
"""How the line of a stream begins: its number, and its language, of whatever letters."""


def streams(text: str) -> list[list[str]]:
    """Each stream's line followed by the lines about it (metadata, side data), in the order of their numbers.

    Ffmpeg prints them program by program, one that several share several times.
    """
    streams: dict[int, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):  # and not at what else may end a line inside of a title
        # Anchored: a title that reads like a stream's line stands behind "title   : ".
        if found := re.match(r"\s*Stream #0:(\d+)", line):
            lines = streams.setdefault(int(found[1]), [])
        lines.append(line)
    return [streams[number] for number in sorted(streams)]


def is_of(stream: list[str], kind: str) -> bool:
    """Whether a stream is of a kind: Video, Audio, Subtitle or Attachment."""
    return re.match(rf"{_STREAM}: {kind}: ", stream[0]) is not None


def number(line: str) -> int:
    """Of a stream, among all of the file's, from 0."""
    return int(re.match(r"\s*Stream #0:(\d+)", line)[1])


def is_attached(line: str) -> bool:
    """Whether a stream of pictures is but the cover of the film, or of a piece of music."""
    return "(attached pic)" in line.partition(": Video: ")[2]


def is_default(line: str) -> bool:
    """Whether a stream of pictures is one that a player is to show unasked."""
    return "(default)" in line.partition(": Video: ")[2]


def codec(line: str) -> str:
    """Of a stream, as ffmpeg calls it."""
    found = re.search(r": (?:Video|Audio|Subtitle): (\w+)", line)
    return found[1] if found else "unknown"


def language(line: str) -> str:
    """Of a stream, as the container has it: eng, or nothing."""
    found = re.match(_STREAM, line)
    return (found and found[1]) or ""


def sample_aspect(line: str) -> Fraction:
    """Width / height of one pixel."""
    # The container's word (without brackets, printed only where it differs) outranks the codec's.
    for pattern in (r", SAR (\d+):(\d+)", r"\[SAR (\d+):(\d+)"):
        found = re.search(pattern, line)
        if found and int(found[1]) and int(found[2]):
            return Fraction(int(found[1]), int(found[2]))
    return Fraction(1)


def rate(line: str) -> Fraction:
    """Frames per second; 25 where none is stated."""
    for unit in ("fps", "tbr"):
        found = re.search(rf", (\d+(?:\.\d+)?)(k?) {unit}", line)
        if found and float(found[1]) > 0:
            return exact_rate(found[1]) * (1000 if found[2] else 1)
    return Fraction(25)  # a header without any rate; the timestamps decide later


def exact_rate(printed: str) -> Fraction:
    """The rate behind two printed decimals: 23.98 is 24000/1001, 12.50 is 25/2."""
    value = Fraction(printed)
    ntsc = Fraction(round(value) * 1000, 1001)
    if value.denominator != 1 and abs(ntsc - value) <= Fraction(6, 1000):
        return ntsc
    return value


def duration(text: str) -> float | None:
    """Seconds, of the longest stream; None where it is not stated, or only guessed."""
    found = re.search(r"^  Duration: (\d+):(\d+):(\d+\.\d+)", text, re.MULTILINE)
    # A duration guessed from the bit rate would make a whole file look broken off.
    return None if "Estimating duration from bitrate" in text else _seconds(found)


def picture_duration(stream: list[str]) -> float | None:
    """Seconds, of the picture alone, where Matroska has that."""
    found = (re.match(r"\s+DURATION\s*: (\d+):(\d+):(\d+\.\d+)$", line) for line in stream)
    return _seconds(next(filter(None, found), None))


def _seconds(found: re.Match | None) -> float | None:
    return found and int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def start_time(text: str) -> float:
    """Seconds, the file's first timestamp."""
    found = re.search(r"^  Duration: .*?, start: (-?\d+\.\d+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def rotation(stream: list[str]) -> int:
    """Degrees that the picture is turned counter-clockwise: 0, 90, 180 or 270."""
    for line in stream[1:]:
        found = re.search(r"display ?matrix: rotation of (-?\d+(?:\.\d+)?) degrees", line, re.IGNORECASE)
        if found:
            # Only quarter turns change the shape; ffmpeg rotates by odd angles inside the same frame.
            degrees = float(found[1]) % 360
            quarter = round(degrees / 90) * 90
            return quarter % 360 if abs(degrees - quarter) < 1 else 0
    return 0


def dolby_vision(stream: list[str]) -> tuple[int, int] | None:
    """The profile of Dolby Vision, and what other players find in it; None: it is none."""
    for line in stream[1:]:
        if "DOVI configuration record: " in line:
            numbers = {
                name.strip(): int(value) for name, value in re.findall(r"([\w ]+): (\d+)(?=,|$)", line)
            }
            return numbers.get("profile", 0), numbers.get("compatibility id", 0)
    return None


def timecode(stream: list[str], text: str) -> str:
    """Of a stream, or else of another of its film: 01:00:00:00, or nothing."""
    found = (
        re.match(r"\s+timecode\s*: (\S+)$", line, re.IGNORECASE) for line in [*stream, *text.split("\n")]
    )
    return next((match[1] for match in found if match), "")


_ALPHA = re.compile(r"yuva|ayuv|vuya|uyva|rgba|bgra|argb|abgr|gbrap|ya\d")
"""How ffmpeg's names of pixels with an alpha channel begin."""


def has_alpha(stream: list[str]) -> bool:
    """Whether a stream's pictures have an alpha channel, in the pixels or, as in WebM, beside them."""
    pixels = re.search(r": Video: [^,]+?, (\w+)", stream[0])
    told = any(re.match(r"\s+alpha_mode\s*: 1$", line, re.IGNORECASE) for line in stream[1:])
    return told or (pixels is not None and _ALPHA.match(pixels[1]) is not None)


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


def colour(line: str) -> tuple[str | None, str | None]:
    """The matrix and the transfer function that a stream states."""
    # "tv, bt709, progressive", or matrix/primaries/transfer where the three differ.
    for word in _about_pixels(line):
        matrix, _, rest = word.partition("/")
        if matrix in _MATRICES or rest:
            transfer = rest.partition("/")[2] if rest else matrix
            return (matrix if matrix in _MATRICES else None), (None if transfer == "unknown" else transfer)
    found = re.search(r"Video: [^,]+?, (?:rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8)", line)
    return ("gbr" if found else None), None


def order(line: str) -> str | None:
    """In which order a picture's two fields come, if that is stated: progressive, top first, …"""
    return next((word for word in _about_pixels(line) if re.search("progressive|first", word)), None)


def _about_pixels(line: str) -> list[str]:
    """What stands in brackets behind the pixel format: range, colour, order of the fields."""
    found = re.search(r"Video: [^,]+?, \w+\(((?:[^()]|\([^()]*\))*)\)", line)
    return found[1].split(", ") if found else []
