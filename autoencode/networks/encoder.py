"""The encoder: a frame → the distribution of its latent."""

from typing import NamedTuple

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.layers import LAYERS, LEAK, convolution, head, normalization, policy
from autoencode.networks.linear_path import LinearPath
from autoencode.networks.pixels import luminance

BOUND = 4.0
"""Of a squashed log-variance: sigma lies in [e⁻², e²]."""


class Posterior(NamedTuple):
    """q(z|x), a Gaussian with a diagonal covariance. Both (batch, latent_size) float32."""

    mean: tf.Tensor
    log_variance: tf.Tensor


class Encoder(keras.Model):
    """Four strided convolutions and two linear heads (Broad & Grierson 2017; Larsen et al. 2015, table 1).

    Widths w, 2w, 4w, 8w; leaky ReLU; normalisation on all but the first. With a linear path, what it says is
    the mean to begin with, and the convolutions add to it.

    Args:
        config: of the run.
        linear_path: the decoder's, if it is to encode too.
        colour_blind: see the luminance alone.
    """

    def __init__(
        self, config: Config, linear_path: LinearPath | None = None, colour_blind: bool = False
    ) -> None:
        super().__init__(name="encoder")
        self.squash, self.linear_path = config.squash_latent, linear_path
        self.colour_blind = colour_blind
        self.convolutions = [convolution(config, config.width * 2**i) for i in range(LAYERS)]
        self.norms = [normalization(config) for _ in range(LAYERS - 1)]
        self.flatten = keras.layers.Flatten(dtype=policy(config))
        # The heads feed the KL, where a rounded log-variance would be seen: they compute in float32.
        self.mean_head = head(config, config.latent_size, zeros=linear_path is not None)
        # Of other films nothing can be learned about the variance: 1, in the film's own units.
        self.log_variance_head = head(config, config.latent_size, zeros=colour_blind)

    def call(self, frames: tf.Tensor, training: bool = False) -> Posterior:
        """Encodes.

        Args:
            frames: (batch, height, width, 3) float in [−1, 1].
            training: normalise by the batch's statistics (and track them) instead of the moving averages.

        Returns:
            The posterior of each frame.
        """
        seen = luminance(frames) if self.colour_blind else frames
        hidden = tf.nn.leaky_relu(self.convolutions[0](seen), LEAK)
        for conv, norm in zip(self.convolutions[1:], self.norms, strict=True):
            hidden = tf.nn.leaky_relu(norm(conv(hidden), training=training), LEAK)
        hidden = self.flatten(hidden)
        mean, log_variance = self.mean_head(hidden), self.log_variance_head(hidden)
        if self.linear_path is not None:
            mean += self.linear_path.encode(frames)
        if self.squash == "both":
            return Posterior(tf.tanh(mean), 0.5 * tf.tanh(log_variance))
        if self.squash == "variance":
            return Posterior(mean, BOUND * tf.tanh(log_variance / BOUND))
        return Posterior(mean, log_variance)
