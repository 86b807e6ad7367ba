"""The decoder: a latent → a frame."""

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.layers import LAYERS, dense, enlarging_convolution, normalization, policy
from autoencode.networks.linear_path import LinearPath
from autoencode.networks.retouch import Retouch


class Decoder(keras.Model):
    """A linear layer and four enlarging convolutions, the encoder's mirror (Broad & Grierson 2017).

    Widths 8w (from the latent), 4w, 2w, w, 3; normalisation and ReLU on all but the last; tanh. With a linear
    path, the picture to begin with is what that makes, and in place of the last convolution the others'
    features retouch it; then no tanh.
    """

    def __init__(self, config: Config, linear_path: LinearPath | None = None) -> None:
        super().__init__(name="decoder")
        self.linear_path = linear_path
        width, height = config.size
        deepest = config.width * 2 ** (LAYERS - 1)
        self.seed_shape = (height // 2**LAYERS, width // 2**LAYERS, deepest)
        self.project = dense(config, self.seed_shape[0] * self.seed_shape[1] * deepest)
        self.reshape = keras.layers.Reshape(self.seed_shape, dtype=policy(config))
        self.norms = [normalization(config) for _ in range(LAYERS)]
        channels = [deepest // 2**i for i in range(1, LAYERS)]
        self.convolutions = [enlarging_convolution(config, count) for count in channels]
        if linear_path is None:
            self.last = enlarging_convolution(config, 3)
        else:
            self.last = Retouch(config)
            self.norms.append(self.last.norm)

    def call(self, latents: tf.Tensor, training: bool = False, track: bool = True) -> tf.Tensor:
        """Decodes.

        Args:
            latents: (batch, latent_size) float32.
            training: normalise by the batch's statistics instead of the moving averages.
            track: let the moving averages follow those statistics (see `BatchNorm`).

        Returns:
            (batch, height, width, 3) float32 in [−1, 1]; with a linear path, a little outside of it here and
            there.
        """
        hidden, how = self.reshape(self.project(latents)), {"training": training, "track": track}
        for norm, conv in zip(self.norms, self.convolutions, strict=False):
            hidden = conv(tf.nn.relu(norm(hidden, **how)))
        hidden = tf.nn.relu(self.norms[LAYERS - 1](hidden, **how))
        if self.linear_path is None:
            return tf.tanh(tf.cast(self.last(hidden), tf.float32))
        return self.last(self.linear_path.decode(latents), hidden, **how)
