"""What float16 needs besides: losses scaled up, so that small gradients are not lost."""

import tensorflow as tf

from autoencode.config import Config

FIRST, GROWS_AFTER = 2.0**15, 2000
"""The scale at first, far too large, and after how many finite steps a larger one is tried."""


class LossScale:
    """A factor of all losses, halved whenever it made a gradient overflow (Micikevicius et al. 2017, 3.2).

    One for the three networks, whose gradients pass through each other: were each to find its own, one that
    sits out would never find it, and drive those of the others to zero. In other precisions, which have the
    range of float32, it does nothing.
    """

    def __init__(self, config: Config) -> None:
        self.needed = config.precision == "mixed_float16"
        self._factor = tf.Variable(FIRST, trainable=False, name="loss_scale")
        self._finite_steps = tf.Variable(0, trainable=False, name="finite_steps")

    @property
    def counters(self) -> list[tf.Variable]:
        """Its state, if it is needed."""
        return [self._factor, self._finite_steps] if self.needed else []

    def up(self, loss: tf.Tensor) -> tf.Tensor:
        """A loss, or a gradient that is sent on, times the scale."""
        return loss * self._factor if self.needed else loss

    def down(self, gradient: tf.Tensor) -> tf.Tensor:
        """The gradient of a scaled loss, as that of the loss itself."""
        return gradient / self._factor if self.needed else gradient

    def update(self, is_finite: tf.Tensor) -> None:
        """Halves the scale (down to 1), or after many finite steps doubles it.

        Args:
            is_finite: scalar boolean, whether all gradients of this step were finite.
        """
        finite_steps = tf.where(is_finite, self._finite_steps + 1, 0)
        grows = finite_steps >= GROWS_AFTER
        larger = tf.where(grows, 2.0 * self._factor, self._factor)
        self._factor.assign(tf.where(is_finite, larger, tf.maximum(self._factor / 2.0, 1.0)))
        self._finite_steps.assign(tf.where(grows, 0, finite_steps))
