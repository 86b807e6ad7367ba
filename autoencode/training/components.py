"""A film's principal components, shot by shot, in a few passes over its frames.

In a film as it is, a shot that hardly moves hardly counts: its mean picture is all that the components hold
of it, and it stands still. So each shot's changes are first levelled: brought to the energy that the film's
have on the mean.

Subspace iteration (Halko, Martinsson & Tropp 2011, arXiv 0909.4061, algorithm 4.4). A pass keeps nothing but
sums: the film need not fit into memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import tensorflow as tf

from autoencode.networks.linear_path import Components
from autoencode.networks.pixels import to_float

PASSES = 4

SPARE = 20
"""Directions that are carried along beyond those asked for: they let the others settle sooner."""

CHUNK = 64
"""Frames that are multiplied at once."""

GRAIN = (1.0 / 127.5) ** 2
"""Mean square of a change of one level. What changes less is not enlarged to the full."""

NOTHING = 1e-5
"""A direction along which the film deviates by less than this part of the largest is none."""


def principal_components(
    frames: Callable[[], Iterable[np.ndarray]], shots: Sequence[range], count: int
) -> Components:
    """The components of a film, its shots levelled.

    Args:
        frames: begins a pass over all frames in film order, each (height, width, 3) uint8.
        shots: the frame numbers of each shot, in order and without a gap.
        count: how many. Those that the film does not have are zero, with a deviation of 1.
    """
    size = next(iter(frames())).size
    image = tf.random.stateless_normal((size, min(count + SPARE, size)), seed=(0, 0))
    for _ in range(PASSES):
        basis, _ = tf.linalg.qr(image)
        mean, image, own = _covariance(frames(), shots, basis)
    # Within the basis: the directions of the levelled film, and how far the film itself goes along them.
    within, own = (np.float64(tf.matmul(basis, each, transpose_a=True)) for each in (image, own))
    turn = np.linalg.eigh(within)[1][:, ::-1][:, :count]
    deviations = np.sqrt(np.maximum(np.sum(turn * (own @ turn), axis=0), 0.0))
    directions = basis.numpy() @ turn
    none = deviations <= NOTHING * max(1.0, deviations.max())
    directions[:, none], deviations[none] = 0.0, 1.0
    missing = ((0, 0), (0, count - turn.shape[1]))
    directions = np.pad(directions, missing)
    deviations = np.pad(deviations, missing[1], constant_values=1.0)
    return Components(mean.numpy(), np.float32(directions), np.float32(deviations))


def _covariance(
    frames: Iterable[np.ndarray], shots: Sequence[range], basis: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The mean of a film; times the basis, the covariance of the levelled film, and of the film itself."""
    pictures, count = iter(frames), sum(map(len, shots))
    mean, energy = tf.zeros(basis.shape[0]), 0.0
    between, levelled, moved = (tf.zeros_like(basis) for _ in range(3))
    for shot in shots:
        middle, movement, strength = _shot(islice(pictures, len(shot)), basis)
        part = len(shot) / count
        mean += part * middle
        between += part * _outer(middle, basis)
        moved += part * movement
        levelled += part * movement / (strength + GRAIN)
        energy += part * strength
    between -= _outer(mean, basis)
    return mean, between + energy * levelled, between + moved


def _shot(frames: Iterator[np.ndarray], basis: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, float]:
    """A shot's mean picture; its covariance times the basis; the mean square of its changes."""
    count, square, first = 0, 0.0, None
    change, product = tf.zeros(basis.shape[0]), tf.zeros_like(basis)
    while chunk := list(islice(frames, CHUNK)):
        pictures = tf.reshape(to_float(np.stack(chunk)), (len(chunk), -1))
        # Changes since the first frame: of a shot that is nearly still, nothing is lost in rounding.
        first = pictures[0] if first is None else first
        changes = pictures - first
        count += len(chunk)
        square += float(tf.reduce_sum(tf.square(changes)))
        change += tf.reduce_sum(changes, axis=0)
        product += tf.matmul(changes, tf.matmul(changes, basis), transpose_a=True)
    change /= count
    energy = square / count - float(tf.reduce_sum(tf.square(change)))
    return first + change, product / count - _outer(change, basis), max(0.0, energy) / basis.shape[0]


def _outer(vector: tf.Tensor, basis: tf.Tensor) -> tf.Tensor:
    """vector·vectorᵀ·basis."""
    return tf.tensordot(vector, tf.linalg.matvec(basis, vector, transpose_a=True), axes=0)
