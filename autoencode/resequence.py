"""Every frame of a film through the networks, in order, and back into a film."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autoencode.files import whole
from autoencode.film.damage import Damage
from autoencode.film.decode import Frame, read_frames
from autoencode.film.probe import FilmInfo
from autoencode.film.stack import Size
from autoencode.film.timeline import MARGIN, Timeline, at_constant_rate
from autoencode.film.writer import FilmWriter
from autoencode.pictures import pairs, png
from autoencode.progress import bar

BATCH = 32
"""Frames that go through the networks at once."""

SHEET_MOMENTS, SHEET_COLUMNS = 12, 6


def resequence(
    film: FilmInfo,
    timeline: Timeline,
    size: tuple[int, int],
    reconstruct: Callable[[np.ndarray, int], np.ndarray],
    writer: FilmWriter,
) -> None:
    """Renders. While one batch is in the networks, the next is decoded and the last is encoded.

    Args:
        film: the source.
        timeline: which of its pictures; at a varying rate they are brought to a constant one.
        size: (width, height) that `reconstruct` takes.
        reconstruct: (batch, height, width, 3) uint8, and the first one's place in the film → the same.
        writer: takes the reconstructions, and the source's views if its format has any; what it has already
            is not made again.

    Raises:
        UserError: the film breaks off, or the new one cannot be written.
    """
    with writer:
        place = writer.frames
        timeline.damage.recall(writer.damage)
        writer.damage = timeline.damage
        if place:
            print(f"{writer.path}: goes on at frame {place:,} of {timeline.frames_out:,}", flush=True)
        elif writer.begins_anew:
            print(f"{writer.path}: begins anew; the parts there are of another rendering", flush=True)
        if place == timeline.frames_out:
            return
        decoded = _read_from(place, film, timeline, size, writer.format.view_size)
        with (
            bar(timeline.frames_out, "rendering", "frame", done=place) as progress,
            _closing(decoded),
            ThreadPoolExecutor(max_workers=2) as pool,
        ):
            frames = at_constant_rate(decoded, timeline, place)
            coming: Future = pool.submit(_take, frames, timeline.damage)
            leaving: Future | None = None
            while (batch := coming.result()).frames:
                coming = pool.submit(_take, frames, timeline.damage)
                pictures = reconstruct(np.stack([frame.pixels for frame in batch.frames]), place)
                place += len(batch.frames)
                if leaving:
                    leaving.result()
                leaving = pool.submit(_put, writer, pictures, batch)
                progress.update(len(batch.frames))
            if leaving:
                leaving.result()


def contact_sheet(
    film: FilmInfo,
    timeline: Timeline,
    size: tuple[int, int],
    reconstruct: Callable[[np.ndarray, int], np.ndarray],
    path: Path,
) -> None:
    """Writes a PNG of 12 moments, the middles of equal parts of the film, source above reconstruction."""
    count = min(SHEET_MOMENTS, timeline.frames_out)
    places = [int((part + 0.5) * timeline.frames_out / count) for part in range(count)]
    sources, pictures = [], []
    # What is wrong with the film was said before.
    timeline = replace(timeline, damage=Damage(film.path, allowed=True))
    for place in places:
        with closing(_read_from(place, film, timeline, size)) as decoded:
            frame = next(at_constant_rate(decoded, timeline, place))
        sources.append(frame.pixels)
        pictures.append(reconstruct(frame.pixels[None], place)[0])
    with whole(path) as partial:
        partial.write_bytes(png(pairs(np.stack(sources), np.stack(pictures), SHEET_COLUMNS)))


def _read_from(
    place: int, film: FilmInfo, timeline: Timeline, size: tuple[int, int], view_size: Size | None = None
) -> Iterator[Frame]:
    """The pictures from the one on that the frame at `place` shows, or that stays there for a lost one."""
    margin = MARGIN
    while True:
        part = timeline.from_slot(place, margin)
        part = replace(part, damage=Damage(film.path, timeline.damage.allowed))
        with closing(read_frames(film, size, view_size=view_size, timeline=part)) as frames:
            head = next(frames, None)
            if part.skipped == timeline.skipped or (head and head.time <= timeline.middle(place)):
                timeline.damage.recall(part.damage)
                part.damage.share(timeline.damage)
                yield from chain([head] if head else [], frames)
                return
        margin *= 16


@contextmanager
def _closing(frames: Iterator[Frame]) -> Iterator[None]:
    """Closes a generator; one that a thread, caught by Ctrl-C at its start, still reads ends with it."""
    try:
        yield
    finally:
        with suppress(ValueError):
            frames.close()


class _Batch(NamedTuple):
    frames: list[Frame]
    damaged: bool  # the film was found damaged on the way to them


def _take(frames: Iterator[Frame], damage: Damage) -> _Batch:
    met = len(damage.met)
    return _Batch(list(islice(frames, BATCH)), len(damage.met) > met)


def _put(writer: FilmWriter, pictures: np.ndarray, batch: _Batch) -> None:
    if batch.damaged:
        # A rendering that does not allow it stops here, and what goes on from there must come out the same.
        writer.end_part()
    for picture, frame in zip(pictures, batch.frames, strict=True):
        writer.write(picture, frame.view)
