"""Who steps: Larsen's gate between discriminator and decoder."""

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
