"""Who steps: Larsen's gate between discriminator and decoder, and the balance of the decoder's gradients."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from autoencode.config import Config


class Gate(NamedTuple):
    """Scalar booleans. The encoder always steps."""

    decoder: tf.Tensor
    discriminator: tf.Tensor


def gate(config: Config, real_cost: tf.Tensor, generated_cost: tf.Tensor) -> Gate:
    """Who steps, after Larsen et al.'s own code.

    The discriminator sits out if it is too good at either task (a cost below equilibrium − margin), the
    decoder if the discriminator is too bad at either (a cost above equilibrium + margin); if both would
    sit out, both step.

    Args:
        config: `gate_equilibrium` and `gate_margin`.
        real_cost: scalar, mean cross-entropy of the discriminator on real frames.
        generated_cost: scalar, likewise on generated frames.
    """
    low, high = config.gate_equilibrium - config.gate_margin, config.gate_equilibrium + config.gate_margin
    discriminator = tf.logical_and(real_cost >= low, generated_cost >= low)
    decoder = tf.logical_and(real_cost <= high, generated_cost <= high)
    neither = tf.logical_not(tf.logical_or(discriminator, decoder))
    return Gate(decoder=tf.logical_or(decoder, neither), discriminator=tf.logical_or(discriminator, neither))


def norm(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Euclidean norm of several tensors as one vector: scalar float32."""
    return tf.linalg.global_norm(gradients)


def equalise(gradient: tf.Tensor) -> tf.Tensor:
    """A gradient of norm 1: what a term then carries is its weight alone, whatever its loss's units.

    The balancer of EnCodec (Défossez et al. 2022, section 3.4), over one batch.
    """
    return gradient / (norm([gradient]) + 1e-12)
