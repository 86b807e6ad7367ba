"""The last stage of a decoder that has a linear path: it goes over the linear picture and mends it."""

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.layers import normalization, plain_convolution, policy


class Retouch(keras.layers.Layer):
    """Two 3×3 convolutions over the linear picture, and over the features that say what it shows.

    The components leave ghosts and grain where much moves. From 200 numbers alone the convolutions would
    have to draw each speck anew to take it away; here they see it. At half the sides, each 2×2 pixels
    folded into 12 channels: a quarter of the multiplications, and twice the view. Begins as nothing.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(dtype=policy(config), autocast=False)  # the picture stays float32
        self.look = plain_convolution(config, config.width)
        self.norm = normalization(config)
        self.mend = plain_convolution(config, 12, zeros=True)

    def call(self, picture: tf.Tensor, features: tf.Tensor, training: bool, track: bool) -> tf.Tensor:
        """Mends (batch, height, width, 3) float32 pictures; the last two arguments are `BatchNorm`'s."""
        folded = tf.cast(tf.nn.space_to_depth(picture, 2), features.dtype)
        seen = self.look(tf.concat([features, folded], axis=-1))
        changes = self.mend(tf.nn.relu(self.norm(seen, training=training, track=track)))
        return picture + tf.cast(tf.nn.depth_to_space(changes, 2), tf.float32)
