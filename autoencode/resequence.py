"""Every frame of a film through the networks, in order, and back into a film."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import numpy as np

from autoencode.files import whole
from autoencode.film.decode import Frame, read_frames
from autoencode.film.encode import FilmWriter
from autoencode.film.probe import FilmInfo
from autoencode.film.timeline import Timeline, at_constant_rate
from autoencode.pictures import pairs, png
from autoencode.progress import bar

BATCH = 32
"""Frames that go through the networks at once."""

SHEET_MOMENTS, SHEET_COLUMNS = 12, 6


def resequence(
    film: FilmInfo,
    timeline: Timeline,
    size: tuple[int, int],
    reconstruct: Callable[[np.ndarray], np.ndarray],
    writer: FilmWriter,
    view_size: tuple[int, int] | None = None,
    sheet: Path | None = None,
) -> None:
    """Renders. While one batch is in the networks, the next is decoded and the last is encoded.

    Args:
        film: the source.
        timeline: which of its pictures; at a varying rate they are brought to a constant one.
        size: (width, height) that `reconstruct` takes.
        reconstruct: (batch, height, width, 3) uint8 → the same.
        writer: takes the reconstructions, and the source's views if it is given a `view_size`.
        view_size: (width, height) of those views.
        sheet: a PNG to write, of 12 moments of the film, source above reconstruction.

    Raises:
        UserError: the film breaks off, or the new one cannot be written.
    """
    decoded = read_frames(film, size, view_size=view_size, timeline=timeline)
    moments = _Moments(timeline.frames_out)
    with (
        writer,
        bar(timeline.frames_out, "rendering", "frame") as progress,
        _closing(decoded),
        ThreadPoolExecutor(max_workers=2) as pool,
    ):
        frames = at_constant_rate(decoded, timeline)
        coming: Future = pool.submit(_take, frames)
        leaving: Future | None = None
        while batch := coming.result():
            coming = pool.submit(_take, frames)
            sources = np.stack([frame.pixels for frame in batch])
            pictures = reconstruct(sources)
            moments.note(sources, pictures)
            if leaving:
                leaving.result()
            leaving = pool.submit(_put, writer, pictures, batch)
            progress.update(len(batch))
        if leaving:
            leaving.result()
    if sheet:
        moments.save(sheet)


class _Moments:
    """The frames in the middles of equal parts of the film, for the contact sheet."""

    def __init__(self, frames: int) -> None:
        count = min(SHEET_MOMENTS, frames)
        self._wanted = {int((part + 0.5) * frames / count) for part in range(count)}
        self._seen, self._sources, self._pictures = 0, [], []

    def note(self, sources: np.ndarray, pictures: np.ndarray) -> None:
        for source, picture in zip(sources, pictures, strict=True):
            if self._seen in self._wanted:
                self._sources.append(source)
                self._pictures.append(picture)
            self._seen += 1

    def save(self, path: Path) -> None:
        sheet = pairs(np.stack(self._sources), np.stack(self._pictures), SHEET_COLUMNS)
        with whole(path) as partial:
            partial.write_bytes(png(sheet))


@contextmanager
def _closing(frames: Iterator[Frame]) -> Iterator[None]:
    """Closes a generator; one that a thread, caught by Ctrl-C at its start, still reads ends with it."""
    try:
        yield
    finally:
        with suppress(ValueError):
            frames.close()


def _take(frames: Iterator[Frame]) -> list[Frame]:
    return list(islice(frames, BATCH))


def _put(writer: FilmWriter, pictures: np.ndarray, batch: list[Frame]) -> None:
    for picture, frame in zip(pictures, batch, strict=True):
        writer.write(picture, frame.view)
