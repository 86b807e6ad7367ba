"""How near a reconstruction is to its frame, measured on uint8 RGB."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

PSNR_CAP = 60.0
"""Decibels at which identical frames count, so that a black frame does not decide a film's mean."""

QUIET_LENGTH = 24
"""Frames that a shot must have to count as a quiet one."""

STILL = 1e-3
"""Σ‖Δx‖² per frame up to which a shot is perfectly still: what float64 leaves of it."""


def psnr(real: tf.Tensor, reconstruction: tf.Tensor) -> tf.Tensor:
    """Peak signal-to-noise ratio of each frame in dB, at most `PSNR_CAP`: 10·log₁₀(255² / MSE).

    Args:
        real: (batch, height, width, 3) uint8.
        reconstruction: likewise.

    Returns:
        (batch,) float32.
    """
    difference = tf.cast(real, tf.float32) - tf.cast(reconstruction, tf.float32)
    error = tf.reduce_mean(tf.square(difference), axis=(1, 2, 3))
    floor = 255.0**2 / 10.0 ** (PSNR_CAP / 10.0)
    return 10.0 * tf.math.log(255.0**2 / tf.maximum(error, floor)) / tf.math.log(10.0)


def ssim(real: tf.Tensor, reconstruction: tf.Tensor) -> tf.Tensor:
    """Structural similarity of each frame (Wang et al. 2004): Gaussian window 11, σ 1.5, no padding, L = 255.

    The same arguments as `psnr`; (batch,) float32 in [−1, 1].
    """
    return tf.image.ssim(real, reconstruction, max_val=255, filter_size=11, filter_sigma=1.5)


class Motion:
    """How much of a film's movement its reconstruction keeps.

    Within a shot, each frame is taken relative to the shot's mean frame, Δx in the source and Δy in the
    reconstruction; what is kept is the projection of the one on the other: Σ⟨Δy, Δx⟩ / Σ⟨Δx, Δx⟩, on uint8
    RGB. 1: all movement; 0: the shot has collapsed into one picture (Broad & Grierson 2017, figure 3).

    Args:
        shots: the frame numbers of each shot, in order and without a gap.
    """

    def __init__(self, shots: Sequence[range]) -> None:
        self._shots = shots
        self._now = 0  # the shot that the next frame belongs to
        self._lengths: list[int] = []
        self._kept: list[float] = []  # Σ⟨Δy, Δx⟩ of each shot
        self._moved: list[float] = []  # Σ⟨Δx, Δx⟩
        self._begin()

    def add(self, real: np.ndarray, reconstruction: np.ndarray) -> None:
        """Takes the next frames in film order, both (batch, height, width, 3) uint8."""
        for x, y in zip(real, reconstruction, strict=True):
            x, y = x.ravel().astype(np.float64), y.ravel().astype(np.float64)
            self._count += 1
            self._sums = self._sums + np.stack([x, y])
            self._products += np.array([y @ x, x @ x])
            if self._count == len(self._shots[self._now]):
                self._end()

    @property
    def film(self) -> float:
        """Of all shots together; not a number if nothing moves."""
        moved = sum(self._moved)
        return sum(self._kept) / moved if moved > STILL * sum(self._lengths) else math.nan

    @property
    def quiet(self) -> float:
        """Of the tenth of the shots that move least.

        Counted are shots of at least `QUIET_LENGTH` frames that are not perfectly still, by Σ‖Δx‖² per frame;
        at least one shot. Not a number if there is none.
        """
        stirring = [
            (moved / length, kept, moved)
            for length, kept, moved in zip(self._lengths, self._kept, self._moved, strict=True)
            if length >= QUIET_LENGTH and moved / length > STILL
        ]
        quietest = sorted(stirring)[: max(1, round(len(stirring) / 10))]
        moved = sum(moved for *_, moved in quietest)
        return sum(kept for _, kept, _ in quietest) / moved if quietest else math.nan

    def _begin(self) -> None:
        self._count, self._sums, self._products = 0, np.zeros((2, 1)), np.zeros(2)

    def _end(self) -> None:
        # Σ⟨y − ȳ, x − x̄⟩ = Σ⟨y, x⟩ − n⟨ȳ, x̄⟩: no frame needs to be kept.
        x, y = self._sums
        kept, moved = self._products - np.array([y @ x, x @ x]) / self._count
        self._lengths.append(self._count)
        self._kept.append(float(kept))
        self._moved.append(float(moved))
        self._now += 1
        self._begin()
