"""A film's frames as another film might show them: what an encoder for other films learns from.

All randomness is stateless and drawn from a seed. Pictures are (batch, height, width, 3) float32 in [−1, 1].
"""

import math

import tensorflow as tf

UNDISTURBED = 0.25
"""The share of the pictures that stay as they are."""

GAMMA, CONTRAST = (0.78, 1.28), (0.84, 1.16)
"""Exponents and factors, drawn evenly from between these (of the exponents their logarithm)."""

BRIGHTNESS, NOISE = 0.06, 0.04
"""Of 1, what is added at the most, and the largest deviation of the noise."""

UPSIDE_DOWN, JOINED, INVERTED = 0.4, 0.6, 0.15
"""Shares of the pictures to which it is done."""

SMALLEST_PART = 0.45
"""Of a picture's sides, the smallest part that is enlarged to a whole picture."""


def disturb(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes gamma, contrast and brightness of most pictures, and adds a little noise.

    No saturation and no hue, as the encoder that learns from this sees luminance alone.

    Args:
        pictures: of a film.
        seed: two integers.

    Returns:
        The same pictures, each changed in its own way, or not.
    """
    draw = _Draws(pictures, seed)
    light = (pictures + 1.0) / 2.0
    changed = tf.pow(light + 1e-4, tf.exp(draw.even(*map(math.log, GAMMA))))
    mean = tf.reduce_mean(changed, axis=(1, 2, 3), keepdims=True)
    changed = (changed - mean) * draw.even(*CONTRAST) + mean + draw.even(-BRIGHTNESS, BRIGHTNESS)
    changed += draw.even(0.0, NOISE) * tf.random.stateless_normal(tf.shape(pictures), draw.next_seed())
    changed = 2.0 * tf.clip_by_value(changed, 0.0, 1.0) - 1.0
    return tf.where(draw.share(UNDISTURBED) > 0, pictures, changed)


def rearrange(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Makes pictures that the film does not have of those that it has.

    Turned over, mirrored, parts of them enlarged, two joined along a straight border; their colours
    exchanged, and now and then inverted.

    Args:
        pictures: of a film, at least two.
        seed: two integers.

    Returns:
        As many, of the same size.
    """
    draw = _Draws(pictures, seed)
    count, height, width, _ = pictures.shape
    pictures = tf.where(draw.share(UPSIDE_DOWN) > 0, pictures[:, ::-1], pictures)
    pictures = tf.where(draw.share(0.5) > 0, pictures[:, :, ::-1], pictures)
    side = draw.even(SMALLEST_PART, 1.0)[:, 0, 0]
    corner = draw.even(0.0, 1.0, channels=2)[:, 0, 0] * (1.0 - side)
    boxes = tf.concat([corner, corner + side], axis=1)
    pictures = tf.image.crop_and_resize(pictures, boxes, tf.range(count), (height, width))
    down, across = tf.meshgrid(tf.linspace(-1.0, 1.0, height), tf.linspace(-1.0, 1.0, width), indexing="ij")
    angle = draw.even(0.0, 2.0 * math.pi)
    place = tf.cos(angle) * across[..., tf.newaxis] + tf.sin(angle) * down[..., tf.newaxis]
    other = (place > draw.even(-0.6, 0.6)) & (draw.share(JOINED) > 0)
    pictures = tf.where(other, tf.roll(pictures, 1, axis=0), pictures)
    order = tf.argsort(draw.even(0.0, 1.0, channels=3)[:, 0, 0])
    pictures = tf.gather(pictures, order, axis=3, batch_dims=1)
    return tf.where(draw.share(INVERTED) > 0, -pictures, pictures)


class _Draws:
    """Random numbers for each picture of a batch, (batch, 1, 1, channels), none drawn twice."""

    def __init__(self, pictures: tf.Tensor, seed: tf.Tensor) -> None:
        self._count, self._seed, self._drawn = tf.shape(pictures)[0], seed, 0

    def next_seed(self) -> tf.Tensor:
        self._drawn += 1
        return tf.random.fold_in(self._seed, self._drawn)

    def even(self, low: float, high: float, channels: int = 1) -> tf.Tensor:
        """Evenly distributed between two numbers."""
        return tf.random.stateless_uniform((self._count, 1, 1, channels), self.next_seed(), low, high)

    def share(self, share: float) -> tf.Tensor:
        """1 for about that share of the pictures, 0 for the others."""
        return tf.cast(self.even(0.0, 1.0) < share, tf.float32)
