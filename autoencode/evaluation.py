"""How well a run remembers: every frame against its reconstruction."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from autoencode.dataset.catalogue import Dataset
from autoencode.dataset.pipeline import frames_in_order
from autoencode.film.decode import read_frames
from autoencode.film.probe import FilmInfo
from autoencode.film.timeline import Timeline
from autoencode.metrics import psnr, ssim
from autoencode.progress import bar
from autoencode.reconstruct import Reconstructor

BATCH = 32

Batches = Iterable[tuple[np.ndarray, np.ndarray]]
"""(frames uint8 (batch, height, width, 3), their times in seconds (batch,))."""


@dataclass(frozen=True)
class Evaluation:
    """One value a frame, in film order."""

    times: np.ndarray  # seconds
    psnr: np.ndarray  # dB
    ssim: np.ndarray

    def worst(self, count: int) -> list[int]:
        """Indices of the frames with the lowest PSNR, the worst first."""
        return np.argsort(self.psnr, kind="stable")[:count].tolist()


def evaluate(reconstruct: Reconstructor, batches: Batches, frames: int) -> Evaluation:
    """Measures PSNR and SSIM of every frame at the model's size, on uint8 (see `metrics`)."""
    times, decibels, similarities = [], [], []
    with bar(frames, "evaluating", "frame") as progress:
        for pictures, seconds in batches:
            remembered = reconstruct(pictures)
            times.append(seconds)
            decibels.append(psnr(pictures, remembered).numpy())
            similarities.append(ssim(pictures, remembered).numpy())
            progress.update(len(pictures))
    return Evaluation(np.concatenate(times), np.concatenate(decibels), np.concatenate(similarities))


def film_batches(film: FilmInfo, timeline: Timeline, size: tuple[int, int]) -> Iterator:
    """A film's pictures, each once. `Batches`."""
    frames = read_frames(film, size, timeline=timeline)
    while batch := list(islice(frames, BATCH)):
        yield np.stack([frame.pixels for frame in batch]), np.array([frame.time for frame in batch])


def dataset_batches(dataset: Dataset) -> Iterator:
    """A dataset's frames, each once. `Batches`."""
    for batch in frames_in_order(dataset, BATCH).as_numpy_iterator():
        yield batch["frame"], batch["time"]
