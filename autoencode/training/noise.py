"""Latents drawn at random: the noise of training, and samples of the prior.

The noise is lowered over training so that near-identical frames can come apart: the contribution of Broad &
Grierson 2017 to the procedure. Their schedule was never published.
"""

import math

import tensorflow as tf

from autoencode.config import Config


def schedule(step: tf.Tensor, steps: int) -> tf.Tensor:
    """How much of a schedule is behind a step: 0 at the first of `steps`, 1 at the last and beyond."""
    return tf.clip_by_value(tf.cast(step, tf.float32) / max(steps - 1, 1), 0.0, 1.0)


def noise_stddev(config: Config, step: tf.Tensor, steps: int) -> tf.Tensor:
    """Standard deviation of the latent noise at a step.

    Args:
        config: `noise_start`, `noise_end` and `noise_shape`.
        step: scalar integer, 0 at the first step.
        steps: length of the schedule; beyond it the noise stays at its end.

    Returns:
        Scalar float32.
    """
    progress = schedule(step, steps)
    if config.noise_shape == "cosine":
        progress = 0.5 - 0.5 * tf.cos(math.pi * progress)
    return config.noise_start + (config.noise_end - config.noise_start) * progress


def draw_prior(config: Config, count: int | tf.Tensor, seed: tf.Tensor | tuple[int, int]) -> tf.Tensor:
    """Latents of the configured prior, (count, latent_size) float32, decided by the seed (two integers)."""
    shape = (count, config.latent_size)
    if config.prior == "uniform":
        return tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
    return tf.random.stateless_normal(shape, seed)
