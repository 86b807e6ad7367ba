"""The discriminator: a frame → how real it looks, and the activations that tell frames apart."""

from typing import NamedTuple

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.layers import LAYERS, LEAK, convolution, head, normalization, policy


class Verdict(NamedTuple):
    """What the discriminator says of a batch of frames."""

    logits: tf.Tensor
    """Above 0: real. (batch, 1) float32, or (batch, height/16, width/16, 1) of a patch discriminator."""

    activations: tuple[tf.Tensor, ...]
    """h0…h3, of each convolution after its non-linearity, float32: the features of the learned similarity."""


class Discriminator(keras.Model):
    """The encoder's convolutions and one linear unit (Broad & Grierson 2017; Larsen et al. 2015).

    Batch normalisation always takes the batch's own statistics: the discriminator is never used to render.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(name="discriminator")
        self.convolutions = [convolution(config, config.width * 2**i) for i in range(LAYERS)]
        self.norms = [normalization(config) for _ in range(LAYERS - 1)]
        self.flatten = None if config.patch_discriminator else keras.layers.Flatten(dtype=policy(config))
        # On a picture (batch, h, w, channels) the same linear unit is a 1×1 convolution: it judges patches.
        self.head = head(config, 1)

    def call(self, frames: tf.Tensor) -> Verdict:
        """Judges frames: (batch, height, width, 3) float32 in [−1, 1]."""
        hidden = tf.nn.leaky_relu(self.convolutions[0](frames), LEAK)
        activations = [hidden]
        for conv, norm in zip(self.convolutions[1:], self.norms, strict=True):
            hidden = tf.nn.leaky_relu(norm(conv(hidden), training=True), LEAK)
            activations.append(hidden)
        logits = self.head(self.flatten(hidden) if self.flatten else hidden)
        return Verdict(logits, tuple(tf.cast(layer, tf.float32) for layer in activations))
