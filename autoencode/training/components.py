"""A film's principal components, its shots levelled, in a few passes over its frames.

In a film as it is, a shot that hardly moves hardly counts: its mean picture is all that the components hold
of it, and it stands still. So each shot's changes are first levelled: brought to the energy that the film's
have on the mean.

Subspace iteration (Halko, Martinsson & Tropp 2011, arXiv 0909.4061, algorithm 4.4). The film need not fit
into memory; a few arrays of the components' size must, 100 MB each at 256×144.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

import numpy as np

from autoencode.networks.linear_path import Components

ITERATIONS = 3
PASSES = 1 + ITERATIONS + 1
"""Over the film: the shots' energies, the iterations, and what the film is within the directions found."""

SPARE = 20
"""Directions that are carried along beyond those asked for: they let the others settle sooner."""

BLOCK = 256
"""Pictures that are multiplied at once."""

GRAIN = 1.0 / 127.5
"""Root mean square of a change of one level: what changes less is not enlarged to the full."""

NOTHING = 0.01 * GRAIN
"""A direction along which the film deviates by less than a hundredth of a level is none."""


def principal_components(
    frames: Callable[[], Iterable[np.ndarray]], shots: Sequence[range], count: int
) -> Components:
    """The components of a film whose shots all move alike: of the same film the same, whatever the seed.

    Args:
        frames: begins a pass over all frames in film order, each (height, width, 3) uint8.
        shots: the frame numbers of each shot, in order and without a gap. One shot: plain components.
        count: how many.

    Returns:
        The components; those that the film does not have are zero, with a deviation of 1.
    """
    film = _Film(frames, shots)
    size = film.mean.size
    image = np.random.default_rng(0).standard_normal((size, min(count + SPARE, size)), np.float32)
    for _ in range(ITERATIONS):
        basis, image = np.linalg.qr(image)[0], np.zeros_like(image)
        for pictures, levelled, _ in film.blocks():
            image += pictures.T @ (levelled[:, None] * (pictures @ basis))
    basis = np.linalg.qr(image)[0]
    # Within the basis: the directions of the levelled film, and how far the film itself goes along them.
    within, within_own = np.zeros((2, basis.shape[1], basis.shape[1]))
    for pictures, levelled, own in film.blocks():
        along = np.float64(pictures @ basis)
        within += along.T @ (levelled[:, None] * along)
        within_own += along.T @ (own[:, None] * along)
    turn = np.linalg.eigh(within)[1][:, ::-1][:, :count]
    deviations = np.sqrt(np.maximum(np.sum(turn * (within_own @ turn), axis=0), 0.0))
    directions = basis @ np.float32(turn)
    none = deviations <= NOTHING * np.sqrt(size)
    directions[:, none], deviations[none] = 0.0, 1.0
    missing = count - deviations.size
    return Components(
        np.float32(film.mean),
        np.pad(directions, ((0, 0), (0, missing))),
        np.float32(np.pad(deviations, (0, missing), constant_values=1.0)),
    )


class _Film:
    """A film as weighted pictures whose outer products add up to its covariance.

    With d a picture's difference from its shot's first (so that nothing is lost in rounding of what is nearly
    still), m the mean of them over the shot's n pictures, and M the shot's mean picture less the film's: the
    shot's changes are Σ d·dᵀ − n·m·mᵀ, what lies between the shots is Σ n·M·Mᵀ.
    """

    def __init__(self, frames: Callable[[], Iterable[np.ndarray]], shots: Sequence[range]) -> None:
        self._frames, self._lengths = frames, [len(shot) for shot in shots]
        self._count = sum(self._lengths)
        energies = []
        self.mean = 0.0
        for length, first, differences in self._by_shot():
            change, square = np.zeros(first.size), 0.0
            for difference in differences:
                change += difference
                square += float(difference @ difference)
            change /= length
            energies.append(max(0.0, square / length - float(change @ change)) / first.size)
            self.mean = self.mean + length / self._count * (first + change)
        usual = np.average(energies, weights=self._lengths)
        self._levels = [usual / (energy + GRAIN**2) for energy in energies]

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Pictures (n, size), their weights in the levelled film and in the film as it is (n,): float32."""
        pictures = self._weighted()
        while block := list(islice(pictures, BLOCK)):
            several, levelled, own = zip(*block, strict=True)
            yield np.stack(several), np.float32(levelled) / self._count, np.float32(own) / self._count

    def _weighted(self) -> Iterator[tuple[np.ndarray, float, float]]:
        for level, (length, first, differences) in zip(self._levels, self._by_shot(), strict=True):
            change = np.zeros(first.size)
            for difference in differences:
                change += difference
                yield difference, level, 1.0
            change /= length
            yield np.float32(change), -length * level, -length
            yield np.float32(first + change - self.mean), length, length

    def _by_shot(self) -> Iterator[tuple[int, np.ndarray, Iterator[np.ndarray]]]:
        """Each shot's length, first picture, and differences from it, to be taken before the next shot."""
        pictures = (np.float32(np.ravel(frame) / 127.5 - 1.0) for frame in self._frames())
        for length in self._lengths:
            first = next(pictures)
            others = (picture - first for picture in islice(pictures, length - 1))
            yield length, first, chain([np.zeros_like(first)], others)
