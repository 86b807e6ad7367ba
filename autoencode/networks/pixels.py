"""Between pictures and what the networks compute with."""

import tensorflow as tf

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue (ITU-R BT.601)."""


def to_float(frames: tf.Tensor) -> tf.Tensor:
    """uint8 frames → float32 in [−1, 1]: x/127.5 − 1."""
    return tf.cast(frames, tf.float32) / 127.5 - 1.0


def to_uint8(frames: tf.Tensor) -> tf.Tensor:
    """The inverse of `to_float`, rounded to the nearest."""
    return tf.cast(tf.clip_by_value(tf.round((frames + 1.0) * 127.5), 0.0, 255.0), tf.uint8)


def luminance(pictures: tf.Tensor) -> tf.Tensor:
    """(…, 3) → (…, 1), in the same range."""
    return tf.tensordot(pictures, tf.constant(LUMINANCE), 1)[..., tf.newaxis]
