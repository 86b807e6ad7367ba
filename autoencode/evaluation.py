"""How well a run remembers: every frame against its reconstruction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from autoencode.dataset.catalogue import Dataset
from autoencode.dataset.pipeline import frames_in_order
from autoencode.dataset.shards import shards_named
from autoencode.dataset.shots import find_shots
from autoencode.film.decode import read_frames
from autoencode.film.probe import FilmInfo
from autoencode.film.stack import Size
from autoencode.film.timeline import Timeline
from autoencode.film.vmaf import Vmaf, vmaf_size
from autoencode.metrics import Motion, psnr, ssim
from autoencode.progress import bar

BATCH = 32


class Batch(NamedTuple):
    """Some frames in film order."""

    pixels: np.ndarray  # (batch, height, width, 3) uint8, as the networks take them
    times: np.ndarray  # (batch,) seconds
    sources: np.ndarray | None  # (batch, height', width', 3) uint8, the same as VMAF takes them, if asked for


@dataclass(frozen=True)
class Footage:
    """Frames to measure on, that can be gone through again and again."""

    count: int
    size: Size  # of `Batch.pixels`
    source_size: Size  # of `Batch.sources`
    batches: Callable[[bool], Iterator[Batch]]  # with `Batch.sources` or without

    def find_shots(self) -> list[range]:
        """The frame numbers of each shot: goes through all frames."""
        with bar(self.count, "looking for cuts", "frame") as progress:

            def pictures() -> Iterator[np.ndarray]:
                for batch in self.batches(False):
                    yield from batch.pixels
                    progress.update(len(batch.pixels))

            return find_shots(pictures())


@dataclass(frozen=True)
class Evaluation:
    """Figures of each frame, in film order, and of the film."""

    times: np.ndarray  # seconds
    psnr: np.ndarray  # dB
    ssim: np.ndarray
    motion: float  # see `metrics.Motion`
    quiet_motion: float
    vmaf: float  # see `film.vmaf`; not a number if it was not asked for

    def worst(self, count: int) -> list[int]:
        """Indices of the frames with the lowest PSNR, the worst first."""
        return np.argsort(self.psnr, kind="stable")[:count].tolist()


def evaluate(
    reconstruct: Callable[[np.ndarray], np.ndarray],
    footage: Footage,
    with_vmaf: bool = True,
) -> Evaluation:
    """Measures every frame.

    PSNR, SSIM and motion retention at the model's size, on uint8; VMAF with both pictures 640 wide.

    Args:
        reconstruct: (batch, height, width, 3) uint8 → the same, of `footage.size`.
        footage: what to measure on.
        with_vmaf: measure VMAF too, which takes longest.
    """
    motion = Motion(footage.find_shots())
    times, decibels, similarities = [], [], []
    with ExitStack() as stack:
        progress = stack.enter_context(bar(footage.count, "evaluating", "frame"))
        vmaf = stack.enter_context(Vmaf(footage.size, footage.source_size)) if with_vmaf else None
        for pixels, seconds, sources in footage.batches(with_vmaf):
            remembered = reconstruct(pixels)
            times.append(seconds)
            decibels.append(psnr(pixels, remembered).numpy())
            similarities.append(ssim(pixels, remembered).numpy())
            motion.add(pixels, remembered)
            if vmaf:
                for picture, source in zip(remembered, sources, strict=True):
                    vmaf.add(picture, source)
            progress.update(len(pixels))
    return Evaluation(
        np.concatenate(times),
        np.concatenate(decibels),
        np.concatenate(similarities),
        motion.film,
        motion.quiet,
        vmaf.score if vmaf else float("nan"),
    )


def film_footage(film: FilmInfo, timeline: Timeline, size: Size) -> Footage:
    """A film's pictures, each once, at `size`; VMAF compares with the film itself."""
    source_size = vmaf_size(size)

    def batches(with_sources: bool) -> Iterator[Batch]:
        view_size = source_size if with_sources else None
        frames = read_frames(film, size, view_size=view_size, timeline=timeline)
        while batch := list(islice(frames, BATCH)):
            pixels, times, views = ([getattr(f, name) for f in batch] for name in ("pixels", "time", "view"))
            yield Batch(np.stack(pixels), np.array(times), np.stack(views) if with_sources else None)

    return Footage(timeline.count, size, source_size, batches)


def dataset_footage(dataset: Dataset) -> Footage:
    """A dataset's frames, each once; VMAF compares with these, enlarged."""

    def batches(with_sources: bool) -> Iterator[Batch]:
        with shards_named(dataset):
            for batch in frames_in_order(dataset, BATCH).as_numpy_iterator():
                yield Batch(batch["frame"], batch["time"], batch["frame"])

    return Footage(dataset.frames, dataset.size, dataset.size, batches)
