"""Folders that are one film: numbered pictures, or a DVD's VIDEO_TS."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

from autoencode.errors import UserError
from autoencode.files import sha256
from autoencode.film import ffmpeg

FILMS = {
    *(
        ".3gp",
        ".asf",
        ".avi",
        ".divx",
        ".dv",
        ".f4v",
        ".flv",
        ".gif",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mkv",
        ".mov",
    ),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".rm", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
}
"""Endings of films' names: a folder with one of these is a folder of films."""

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"}
"""Endings of pictures' names."""

USUAL_RATE = Fraction(24)
"""Pictures a second, where nobody says."""

_NUMBERED = re.compile(r"(.*?)([0-9]+)", re.DOTALL)
_OF_A_DVD = re.compile(r"(VIDEO_TS|VTS_[0-9]{2}_[0-9])\.VOB", re.IGNORECASE)
_TITLE = re.compile(r"(VTS_[0-9]{2}_)([1-9])", re.IGNORECASE)
"""A DVD's films, and of these the pieces of titles; VTS_01_0.VOB is a menu."""


class Folder(NamedTuple):
    """What of a folder is the film."""

    files: tuple[Path, ...]  # in their order
    numbers: tuple[int, ...]  # of each file; they begin anywhere
    are_pictures: bool  # else they are pieces of one stream
    notes: tuple[str, ...]  # what is passed over, in words

    @property
    def missing(self) -> list[tuple[str, int]]:
        """Of each gap between files the name of the first that is not there, and how many are not."""
        between = zip(self.files, self.numbers, self.numbers[1:], strict=False)
        gaps = ((file, number, after - number - 1) for file, number, after in between)
        return [(_next(file, number), count) for file, number, count in gaps if count]

    def source(self, rate: Fraction) -> tuple[str, ...]:
        """Arguments with which ffmpeg reads it, pictures at so many a second, one behind the other."""
        links = Path(_links(self.files).name)
        if self.are_pictures:
            return tuple(ffmpeg.pictures(str(links), self.files[0].suffix.lower(), rate))
        return tuple(ffmpeg.pieces(sorted(links.iterdir())))


def read_folder(path: Path) -> Folder | None:
    """What of a folder is one film; None: nothing, or there are several.

    Of a DVD the title with most bytes is taken, without its menus.

    Raises:
      UserError: several rows of pictures are in it, or two of one number.
    """
    entries = sorted(entry for entry in path.iterdir() if entry.name[0] != ".")
    films = [entry for entry in entries if entry.suffix.lower() in FILMS]
    is_dvd = all(_OF_A_DVD.fullmatch(entry.name) for entry in films)
    if is_dvd and (titles := _rows(_TITLE, films)):
        longest = max(titles, key=lambda title: sum(file.stat().st_size for file in titles[title].values()))
        notes = () if len(titles) == 1 else (f"of {len(titles)} titles {longest[0]}*, the largest, is taken",)
        return _folder(titles[longest], False, notes)
    if films:
        return None
    rows = _rows(_NUMBERED, [entry for entry in entries if entry.suffix.lower() in PICTURES])
    rows = {row: pictures for row, pictures in rows.items() if len(pictures) > 1}  # one alone is no film
    if not rows:
        return None
    if len(rows) > 1:
        names = ", ".join(f"{before}*{suffix}" for before, suffix in list(rows)[:3])
        names += ", …" if len(rows) > 3 else ""
        raise UserError(
            f"{path}: holds several rows of pictures ({names}); put each into a folder of its own"
        )
    ((_, pictures),) = rows.items()
    taken = set(pictures.values())
    others = [entry.name for entry in entries if entry not in taken]
    return _folder(pictures, True, (f"passed over {', '.join(others)}",) if others else ())


def files_of(path: Path) -> Sequence[Path]:
    """The files that a film consists of."""
    found = read_folder(path) if path.is_dir() else None
    return found.files if found else [path]


def state_of(path: Path) -> tuple[int, int]:
    """Bytes of a film, and when it was changed, in nanoseconds since 1970.

    Raises:
      OSError: it is not there.
    """
    stats = [file.stat() for file in files_of(path)]
    return sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


def sha256_of(path: Path) -> str:
    """Of a film's bytes, in hexadecimal; of several files, of their numbers' distances and their SHA-256."""
    found = read_folder(path) if path.is_dir() else None
    if not found:
        return sha256(path)
    hashes = [sha256(file) for file in found.files]
    numbers = [number - found.numbers[0] for number in found.numbers]
    return hashlib.sha256(repr([*zip(numbers, hashes, strict=True)]).encode()).hexdigest()


def _rows(pattern: re.Pattern, entries: Sequence[Path]) -> dict[tuple[str, str], dict[int, Path]]:
    """Files by what stands before their number and behind it, and then by number; empty ones are none."""
    rows: dict[tuple[str, str], dict[int, Path]] = defaultdict(dict)
    for entry in entries:
        found = pattern.fullmatch(entry.stem)
        if not found or not entry.is_file() or not entry.stat().st_size:
            continue
        row, number = rows[found[1], entry.suffix.lower()], int(found[2])
        if number in row:
            raise UserError(f"{entry}: has the same number as {row[number].name}; take one of them away")
        row[number] = entry
    return rows


def _folder(row: dict[int, Path], are_pictures: bool, notes: tuple[str, ...]) -> Folder:
    numbers = tuple(sorted(row))
    return Folder(tuple(row[number] for number in numbers), numbers, are_pictures, notes)


def _next(file: Path, number: int) -> str:
    """What the file with the next number would be called."""
    digits = len(_NUMBERED.fullmatch(file.stem)[2])
    return f"{file.stem[:-digits]}{number + 1:0{digits}d}{file.suffix}"


@cache
def _links(files: tuple[Path, ...]) -> tempfile.TemporaryDirectory:
    """Files under names that ffmpeg can count through, whatever they are called; gone when we end."""
    folder = tempfile.TemporaryDirectory(prefix="autoencode-")
    for place, file in enumerate(files):
        Path(folder.name, f"{place:08d}{file.suffix.lower()}").symlink_to(file.absolute())
    return folder
