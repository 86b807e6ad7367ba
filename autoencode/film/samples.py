"""Some pictures of a film, taken from evenly spread moments, to judge by how the film is to be read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from autoencode.film import ffmpeg
from autoencode.film.probe import FilmInfo
from autoencode.film.timeline import Timeline

T = TypeVar("T")


class Sample(NamedTuple):
    """Pictures that follow each other."""

    luma: np.ndarray  # uint8 (up to as many as asked for, height, width), black 0 and white 255
    interlaced: bool  # whether the first is flagged as consisting of two fields


def look(
    film: FilmInfo,
    timeline: Timeline,
    count: int,
    judge: Callable[[Sample], T],
    *,
    pictures: int = 1,
    as_coded: bool = False,
) -> list[T]:
    """What `judge` says of the pictures at the middles of `count` equal parts of a film.

    Taken are the key frames before them, which are quick to reach; where those are few, these themselves.

    Args:
      film: the film, as probed.
      timeline: of all of it.
      count: how many moments, at most.
      judge: called in several threads; not where no picture can be decoded.
      pictures: how many follow each other at a moment.
      as_coded: as they lie in the file, and not as shown: rows that hold a field are rows then.
    """
    count = min(count, timeline.count)
    middles = ((np.arange(count) + 0.5) * timeline.count / count).astype(int)
    times = timeline.times[middles].tolist()

    def judged(time: float, exact: bool) -> tuple[int, T] | None:
        sample = _sample(film, time, pictures, exact, as_coded)
        return (hash(sample.luma.tobytes()), judge(sample)) if len(sample.luma) else None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = list(filter(None, pool.map(lambda time: judged(time, exact=False), times)))
        if len({which for which, _ in seen}) < count / 2:
            seen = list(filter(None, pool.map(lambda time: judged(time, exact=True), times)))
    return [said for _, said in seen]


def _sample(film: FilmInfo, time: float, pictures: int, exact: bool, as_coded: bool) -> Sample:
    size = (film.coded_width, film.coded_height) if as_coded else (film.width, film.height)
    # A film may change its size, and a crop counts pixels of what it began with.
    filters = f"showinfo=checksum=0,scale={size[0]}:{size[1]}:flags=neighbor:out_range=pc,format=gray"
    command = ["-nostats", "-v", "info", "-threads", "1", "-copyts", *([] if exact else ["-noaccurate_seek"])]
    command += ["-noautorotate"] if as_coded else []
    command += ["-ss", f"{max(0.0, time - 1e-3):.6f}", *film.source, "-map", film.stream]
    command += ["-vf", filters, "-fps_mode", "passthrough", "-frames:v", str(pictures), "-f", "rawvideo", "-"]
    ran = ffmpeg.run(command)
    whole = len(ran.stdout) // (size[0] * size[1])
    luma = np.frombuffer(ran.stdout, np.uint8, whole * size[0] * size[1]).reshape(whole, size[1], size[0])
    return Sample(luma, re.search(rb"Parsed_showinfo[^\n]* i:[TB] ", ran.stderr) is not None)
