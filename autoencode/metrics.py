"""How near a reconstruction is to its frame, measured on uint8 RGB."""

import tensorflow as tf

PSNR_CAP = 60.0
"""Decibels at which identical frames count, so that a black frame does not decide a film's mean."""


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
