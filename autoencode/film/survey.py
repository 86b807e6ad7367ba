"""What a film's header does not say and a look at its pictures does: black bars, interlacing."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from autoencode.film import ffmpeg
from autoencode.film.probe import Crop, FilmInfo
from autoencode.film.timeline import Timeline

MOMENTS, APART = 24, 25.0
"""Places of a film that are looked at for bars, at the least, and seconds between them, at the most: one dark
scene is not all of them, and some films change their shape."""

BLACK = 24
"""Of 255, the brightest that a bar may be; limited range calls 16 black."""

NARROWEST, FEWEST, LEAST_PICTURE = 0.02, 4, 0.4
"""Bars of less than that share of a side, or so many pixels, are left; where less than that share of picture
would remain, the film is dark, and has no bars."""

FIELDLESS = {"gif", "apng"}
"""Containers of nothing but whole pictures, which may be drawn in stripes."""

SPELLS = 3
"""Seconds of a film that are looked at for interlacing."""


_KINDS = re.compile(
    r"Multi frame detection: TFF: *(\d+) BFF: *(\d+) Progressive: *(\d+) Undetermined: *(\d+)"
)


def find_bars(film: FilmInfo, timeline: Timeline) -> Crop | None:
    """The picture without the bars around it, or None if there are none.

    A bar is what is black at every one of evenly spread moments: at the key frames before them,
    which are quick to reach, or where there are few of those at the moments themselves.
    """
    moments = _moments(timeline, max(MOMENTS, round(timeline.duration / APART)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = list(pool.map(lambda time: _box(film, time, exact=False), moments))
        if len({look.time for look in looks}) < len(moments) / 2:
            looks = list(pool.map(lambda time: _box(film, time, exact=True), moments))
    boxes = [look.box for look in looks if look.box]
    if not boxes:
        return None
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    left, right = _bars(left, right, film.width)
    top, bottom = _bars(top, bottom, film.height)
    crop = Crop(right - left, bottom - top, left, top)
    return None if crop == Crop(film.width, film.height, 0, 0) else crop


def is_interlaced(film: FilmInfo, timeline: Timeline) -> bool:
    """Whether more pictures are woven of two fields than are whole.

    Headers say little: whole pictures often travel as two fields, and encoders that were told nothing call
    woven ones whole. Where one does, those count against it that could be either.
    """
    if film.container in FIELDLESS:
        return False
    moments = _moments(timeline, SPELLS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = pool.map(lambda time: _look(film, time, "-t", "1", "-vf", "idet", loud=True), moments)
        found = [int(count) for look in looks for line in _KINDS.findall(look) for count in line]
    top, bottom, whole, either = (sum(found[kind::4]) for kind in range(4))
    return top + bottom > whole + (either if film.progressive else 0)


def _moments(timeline: Timeline, count: int) -> list[float]:
    """The middles of `count` equal parts, in seconds."""
    count = min(count, timeline.count)
    middles = ((np.arange(count) + 0.5) * timeline.count / count).astype(int)
    return [float(timeline.times[middle]) for middle in middles]


class _Look(NamedTuple):
    time: str  # of the picture, as ffmpeg prints it
    box: Crop | None  # what of it is not black; None: nothing


def _box(film: FilmInfo, time: float, exact: bool) -> _Look:
    """What is not black at a moment, or at the key frame before it."""
    # A film may change its size, and a box counts pixels of what it began with.
    same = f"scale={film.width}:{film.height}:flags=neighbor"
    look = f"{same},cropdetect=limit={BLACK}/255:round=2:skip=0:reset=0,metadata=print:file=-"
    said = _look(film, time, "-vf", look, "-frames:v", "1", exact=exact)
    found = dict(re.findall(r"lavfi\.cropdetect\.(\w+)=(-?\d+)", said))
    shown = re.search(r"pts:(\S+)", said)
    box = None
    if {"w", "h", "x", "y"} <= found.keys() and int(found["w"]) > 0 and int(found["h"]) > 0:
        box = Crop(*(int(found[name]) for name in "whxy"))
    return _Look(shown[1] if shown else "", box)


def _look(film: FilmInfo, time: float, *how: str, exact: bool = False, loud: bool = False) -> str:
    """What ffmpeg's filters print about some pictures; nothing where they cannot be decoded."""
    command = ["-nostats", "-v", "info" if loud else "error"]
    command += ["-threads", "1", *([] if exact else ["-noaccurate_seek"]), "-copyts"]
    command += ["-ss", f"{max(0.0, time - 1e-3):.6f}", *ffmpeg.source(film.path)]
    command += ["-map", "0:V:0", *how, "-f", "null", "-"]
    ran = ffmpeg.run(command)
    return (ran.stderr if loud else ran.stdout).decode(errors="replace")


def _bars(first: int, last: int, side: int) -> tuple[int, int]:
    """Where the picture begins and ends along a side, its bars cut off if they are such."""
    picture = last - first
    most = side - max(FEWEST, NARROWEST * side)
    return (first, last) if LEAST_PICTURE * side <= picture <= most else (0, side)
