"""Which part of a film is read, and how: what a user asks for, and the film opened accordingly."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from autoencode.errors import UserError
from autoencode.film.bars import find_bars
from autoencode.film.interlacing import is_interlaced
from autoencode.film.picture import HDR
from autoencode.film.printed import exact_rate
from autoencode.film.probe import Crop, FilmInfo, probe
from autoencode.film.scan import scan
from autoencode.film.timeline import Timeline


@dataclass(frozen=True)
class Reading:
    """As typed. The defaults read all of a film, without its bars."""

    start: float = 0.0  # seconds since the file's start
    duration: float | None = None  # seconds; None: to the end
    every: int = 1  # of so many pictures the first
    crop: str = "auto"  # auto, none or W:H:X:Y
    deinterlace: str = "auto"  # auto, on or off
    rate: str | None = None  # frames per second of numbered pictures; None: 24
    allow_damaged: bool = False  # what is missing is noted, and stops nobody

    def __str__(self) -> str:
        """What is not as usual: 'start=60.0 every=2', or nothing."""
        return " ".join(
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        )


WHOLE = Reading()


def open_film(path: Path, reading: Reading = WHOLE) -> tuple[FilmInfo, Timeline]:
    """Probes and scans a film, and looks at its pictures where `reading` leaves it open how to read them.

    Raises:
      UserError: as `find_film`.
    """
    film, whole, timeline = find_film(path, reading)
    return look_at(film, whole, reading), timeline


def find_film(path: Path, reading: Reading = WHOLE) -> tuple[FilmInfo, Timeline, Timeline]:
    """Probes and scans a film: all that may be wrong with it, or with `reading`, is found here.

    Returns:
      The film as its header has it; the timeline of all of it; and of the part that `reading` asks for.

    Raises:
      UserError: as `probe` and `scan`; or the part to be cut out is none of the picture, or of the time.
    """
    film = probe(path, typed_rate(reading.rate))
    _typed_crop(film, reading.crop)
    whole = scan(film, allow_damaged=reading.allow_damaged)
    return film, whole, whole.part(reading.start, reading.duration, reading.every)


def look_at(film: FilmInfo, whole: Timeline, reading: Reading) -> FilmInfo:
    """The film, read as `reading` says, or as its pictures say where that leaves it open."""
    crop, deinterlace = _typed_crop(film, reading.crop), reading.deinterlace == "on"
    if reading.crop == "auto":
        crop = find_bars(film, whole)  # an excerpt has the shape of its film
    if reading.deinterlace == "auto":
        deinterlace = is_interlaced(film, whole)
    return dataclasses.replace(film, crop=crop, deinterlace=deinterlace)


def describe(film: FilmInfo) -> str:
    """What is done to a film's pictures, in words; nothing if they are taken as they are."""
    done = []
    if film.deinterlace:
        done.append("deinterlaced (--deinterlace=off leaves it)")
    if film.crop:
        width, height, x, y = film.crop
        done.append(
            f"{width}x{height} of {film.width}x{film.height} from {x},{y} (--crop=none takes all of it)"
        )
    if film.alpha:
        done.append("transparent parts are shown over black")
    if film.transfer in HDR:
        done.append(f"HDR ({HDR[film.transfer]}) brought to SDR")
    return "; ".join(done)


def typed_rate(typed: str | None) -> Fraction | None:
    """Frames per second; 23.976 and 29.97 mean 24000/1001 and 30000/1001.

    Raises:
      UserError: it is no such number.
    """
    if typed is None:
        return None
    number = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/(\d+))?", typed)
    rate = exact_rate(number[1]) / int(number[2] or 1) if number and int(number[2] or 1) else Fraction(0)
    if not Fraction(1, 1000) <= rate <= 1000:
        raise UserError(f"--rate={typed}: write frames a second, as in --rate=25 or --rate=24000/1001")
    return rate


def _typed_crop(film: FilmInfo, typed: str) -> Crop | None:
    if typed in ("auto", "none"):
        return None
    numbers = re.fullmatch(r"(\d+):(\d+):(\d+):(\d+)", typed)
    if not numbers:
        raise UserError(f"--crop={typed}: write auto, none or W:H:X:Y, as in --crop=1920:800:0:140")
    crop = Crop(*map(int, numbers.groups()))
    across, down = crop.x + crop.width, crop.y + crop.height
    if not (crop.width and crop.height and across <= film.width and down <= film.height):
        raise UserError(
            f"--crop={typed}: not inside the picture of {film.path}, which is {film.width}x{film.height}"
        )
    return crop
