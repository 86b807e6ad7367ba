"""The way past the convolutions: a film's principal components, a linear encoder and decoder in one.

Of all linear maps to so many numbers and back, a film's principal components leave the least squared error.
They are computed, of the film with its shots levelled (`training/components.py`), and not learned; what
they leave is for the convolutions.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from autoencode.config import Config


class Components(NamedTuple):
    """Of pictures in [−1, 1], flattened to `size` numbers. All float32."""

    mean: np.ndarray  # (size,)
    directions: np.ndarray  # (size, count), orthonormal
    deviations: np.ndarray  # (count,), the film's standard deviation along each


class LinearPath(keras.layers.Layer):
    """Shared by an encoder and its decoder. Zeros, and so nothing, until it is given components."""

    def __init__(self, config: Config) -> None:
        super().__init__(dtype="float32", trainable=False, name="linear_path")
        width, height = config.size
        self.shape, size, count = (height, width, 3), height * width * 3, config.latent_size
        self.mean = self.add_weight((size,), "zeros", name="mean")
        self.directions = self.add_weight((size, count), "zeros", name="directions")
        self.deviations = self.add_weight((count,), "ones", name="deviations")
        self.built = True

    def assign(self, components: Components) -> None:
        """Takes a film's components."""
        for variable, values in zip((self.mean, self.directions, self.deviations), components, strict=True):
            variable.assign(values)

    def encode(self, frames: tf.Tensor) -> tf.Tensor:
        """(batch, height, width, 3) in [−1, 1] → (batch, latent_size), over the film of variance 1."""
        flat = tf.reshape(tf.cast(frames, tf.float32), (-1, self.mean.shape[0]))
        return tf.matmul(flat - self.mean, self.directions) / self.deviations

    def decode(self, latents: tf.Tensor) -> tf.Tensor:
        """The inverse, as near as so many numbers come to it; may lie a little outside of [−1, 1]."""
        flat = tf.matmul(latents * self.deviations, self.directions, transpose_b=True) + self.mean
        return tf.reshape(flat, (-1, *self.shape))
