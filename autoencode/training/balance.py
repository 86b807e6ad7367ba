"""The balance of the decoder's gradients."""

from collections.abc import Sequence

import tensorflow as tf


def norm(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """Euclidean norm of several tensors as one vector: scalar float32."""
    return tf.linalg.global_norm(gradients)


def equalise(gradient: tf.Tensor) -> tf.Tensor:
    """A gradient of norm 1: what a term then carries is its weight alone, whatever its loss's units.

    The balancer of EnCodec (Défossez et al. 2022, section 3.4), over one batch.
    """
    return gradient / (norm([gradient]) + 1e-12)
