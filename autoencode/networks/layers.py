"""What the three networks share: their convolutions, their initial weights, their batch normalisation."""

import keras
import tensorflow as tf

from autoencode.config import Config

LAYERS = 4
"""Strided convolutions in a network; each halves (or doubles) the picture's sides."""

KERNEL = 5
LEAK = 0.2
EPSILON = 1e-5
RMS_EPSILON = 1e-4
"""Of `RmsNorm`: one that float16 can hold."""

HEAD_INPUTS = 4608
"""As many features of a picture has `demo`: a `Head` of more learns as if it had these."""


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


class RmsNorm(keras.layers.Layer):
    """Each pixel's channels over their root mean square, with a gain and a bias per channel.

    Karras et al. 2018 (arXiv 1710.10196), section 4.2, and a gain and a bias. Needs no batch: training and
    rendering compute the same, and no moving average can be led astray.
    """

    def build(self, shape: tuple[int | None, ...]) -> None:
        """One gain and one bias per channel."""
        self.gamma = self.add_weight(shape=shape[-1:], initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape[-1:], initializer="zeros", name="beta")

    def call(self, inputs: tf.Tensor, training: bool = False, track: bool = True) -> tf.Tensor:
        """(batch, height, width, channels) → the same; the other arguments are `BatchNorm`'s."""
        # In float16 the square of 256 is infinite. (bfloat16 has float32's range, and its own is quicker.)
        wide = tf.cast(inputs, tf.float32) if inputs.dtype == tf.float16 else inputs
        square = tf.reduce_mean(tf.square(wide), axis=-1, keepdims=True)
        over = tf.cast(tf.math.rsqrt(square + RMS_EPSILON), inputs.dtype)
        return inputs * over * self.gamma + self.beta


class ResizedConvolution(keras.layers.Layer):
    """Enlarges by repeating each pixel 2×2, then a 3×3 convolution: every pixel is made alike, and so no
    checkerboard (Odena et al. 2016, *Deconvolution and Checkerboard Artifacts*).

    Computed at the small size, as the transposed convolution of stride 2 that it equals, whose 4×4 kernel is
    the 3×3 kernel spread over the 2×2 copies: less than half the multiplications.
    """

    def __init__(self, channels: int, initializer: keras.Initializer | str, dtype: keras.DTypePolicy) -> None:
        super().__init__(dtype=dtype)
        self.channels, self.initializer = channels, initializer

    def build(self, shape: tuple[int | None, ...]) -> None:
        """A 3×3 kernel and a bias."""
        self.kernel = self.add_weight(
            shape=(3, 3, shape[-1], self.channels), initializer=self.initializer, name="kernel"
        )
        self.bias = self.add_weight(shape=(self.channels,), initializer="zeros", name="bias")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(batch, height, width, channels) → twice as high and wide."""
        # A transposed convolution turns its kernel round.
        turned = tf.transpose(self.kernel[::-1, ::-1], (0, 1, 3, 2))
        spread = tf.add_n(
            [tf.pad(turned, ((y, 1 - y), (x, 1 - x), (0, 0), (0, 0))) for y in (0, 1) for x in (0, 1)]
        )
        batch, height, width, _ = tf.unstack(tf.shape(inputs))
        shape = (batch, 2 * height, 2 * width, self.channels)
        return tf.nn.conv2d_transpose(inputs, spread, shape, strides=2) + self.bias


class Head(keras.layers.Dense):
    """A linear layer over all the features of a picture, which may be very many.

    Adam moves each weight by about the learning rate, however small its gradient: what a unit says moves with
    the number of its inputs. At 256×144 and full width, with 92,160, the log-variances would run away within
    ten steps, and the discriminator's verdict swing from one certainty to the other. So inputs are divided,
    and initial weights multiplied, such that outputs begin and move as they would with `HEAD_INPUTS` (the
    rule of Yang et al. 2022, arXiv 2203.03466, for the widths of layers under Adam).
    """

    def build(self, shape: tuple[int | None, ...]) -> None:
        """A kernel and a bias."""
        self.scale = min(1.0, HEAD_INPUTS / shape[-1])
        super().build(shape)
        # With a fixed deviation outputs begin at √inputs times that, with Glorot's at the same in any case.
        fixed = isinstance(self.kernel_initializer, keras.initializers.RandomNormal)
        self.kernel.assign(self.kernel / self.scale ** (0.5 if fixed else 1.0))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(…, features) → (…, units)."""
        return super().call(inputs * self.scale if self.scale < 1 else inputs)


def normalization(config: Config) -> BatchNorm | RmsNorm:
    """The configured normalisation of a hidden layer."""
    return (
        BatchNorm(config, policy(config))
        if config.normalization == "batch"
        else RmsNorm(dtype=policy(config))
    )


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


def plain_convolution(config: Config, channels: int, zeros: bool = False) -> keras.layers.Conv2D:
    """3×3, stride 1; with `zeros`, makes nothing at first."""
    initializer = "zeros" if zeros else _initializer(config, keras.initializers.TruncatedNormal)
    return keras.layers.Conv2D(
        channels, 3, padding="same", kernel_initializer=initializer, dtype=policy(config)
    )


def enlarging_convolution(config: Config, channels: int) -> keras.layers.Conv2DTranspose | ResizedConvolution:
    """Doubles the sides: 5×5 transposed, stride 2, or as configured."""
    initializer = _initializer(config, keras.initializers.RandomNormal)
    if config.upsampling == "resized":
        return ResizedConvolution(channels, initializer, policy(config))
    return keras.layers.Conv2DTranspose(
        channels,
        KERNEL,
        strides=2,
        padding="same",
        kernel_initializer=initializer,
        dtype=policy(config),
    )


def dense(config: Config, units: int) -> keras.layers.Dense:
    """A linear layer with a bias."""
    initializer = _initializer(config, keras.initializers.RandomNormal)
    return keras.layers.Dense(units, kernel_initializer=initializer, dtype=policy(config))


def head(config: Config, units: int, zeros: bool = False) -> Head:
    """A `Head`, in float32; with `zeros`, makes nothing at first."""
    initializer = "zeros" if zeros else _initializer(config, keras.initializers.RandomNormal)
    return Head(units, kernel_initializer=initializer, dtype="float32")


def _initializer(config: Config, normal: type) -> keras.initializers.Initializer:
    if config.initializer == "normal":
        return normal(0.0, 0.02)
    return keras.initializers.GlorotUniform()
