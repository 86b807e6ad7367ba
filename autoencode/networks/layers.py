"""What the three networks share: their convolutions, their initial weights, their batch normalisation."""

import keras
import tensorflow as tf

from autoencode.config import Config

LAYERS = 4
"""Strided convolutions in a network; each halves (or doubles) the picture's sides."""

KERNEL = 5
LEAK = 0.2
EPSILON = 1e-5


class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation whose moving averages follow only the passes that are told to `track`.

    The decoder sees two kinds of latents in a step, those of frames and those of the prior. Moving averages
    fed by both fit neither, and rendering with them gives noise: only the reconstruction pass is tracked.
    """

    def __init__(self, config: Config, dtype: keras.DTypePolicy) -> None:
        normal = config.initializer == "normal"
        super().__init__(
            momentum=config.norm_momentum,
            epsilon=EPSILON,
            gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02) if normal else "ones",
            dtype=dtype,
        )

    def call(self, inputs: tf.Tensor, training: bool = False, track: bool = True) -> tf.Tensor:
        """As in Keras; with `training` and not `track`, the batch's statistics are used and forgotten."""
        momentum = self.momentum
        self.momentum = momentum if track else 1.0
        try:
            return super().call(inputs, training=training)
        finally:
            self.momentum = momentum


def policy(config: Config) -> keras.DTypePolicy:
    """The precision that hidden layers compute in; their weights are float32 in every case."""
    return keras.DTypePolicy(config.precision)


def convolution(config: Config, channels: int) -> keras.layers.Conv2D:
    """5×5, stride 2: halves the sides."""
    return keras.layers.Conv2D(
        channels,
        KERNEL,
        strides=2,
        padding="same",
        kernel_initializer=_initializer(config, keras.initializers.TruncatedNormal),
        dtype=policy(config),
    )


def transposed_convolution(config: Config, channels: int) -> keras.layers.Conv2DTranspose:
    """5×5, stride 2: doubles the sides."""
    return keras.layers.Conv2DTranspose(
        channels,
        KERNEL,
        strides=2,
        padding="same",
        kernel_initializer=_initializer(config, keras.initializers.RandomNormal),
        dtype=policy(config),
    )


def dense(config: Config, units: int, dtype: keras.DTypePolicy | str | None = None) -> keras.layers.Dense:
    """A linear layer with a bias."""
    initializer = _initializer(config, keras.initializers.RandomNormal)
    return keras.layers.Dense(units, kernel_initializer=initializer, dtype=dtype or policy(config))


def _initializer(config: Config, normal: type) -> keras.initializers.Initializer:
    if config.initializer == "normal":
        return normal(0.0, 0.02)
    return keras.initializers.GlorotUniform()
