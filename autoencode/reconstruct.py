"""A trained run as a function: frames in, frames as the network remembers them out."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from autoencode.networks.build import build_autoencoder
from autoencode.networks.pixels import to_float, to_uint8
from autoencode.run import Run
from autoencode.training.checkpoints import restore_weights


class Reconstructor:
    """Encoder and decoder of a run.

    Args:
        run: whose networks.
        weights: one of its checkpoints (`Run.weights`).
        noise: standard deviation of the latent noise.
        seed: of that noise.

    Raises:
        UserError: the checkpoint is incomplete, or another run's.
    """

    def __init__(self, run: Run, weights: Path, noise: float = 0.0, seed: int = 0) -> None:
        self.size = run.config.size
        self._noise = noise
        self._draws = np.random.default_rng(seed)
        self._encoder, self._decoder = build_autoencoder(run.config)
        width, height = run.config.size
        self._latent_size = run.config.latent_size
        restore_weights(run, weights, self._encoder, self._decoder)
        signature = [
            tf.TensorSpec((None, height, width, 3), tf.uint8),
            tf.TensorSpec((None, run.config.latent_size), tf.float32),
        ]
        self._graph = tf.function(self._reconstruct, input_signature=signature)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Reconstructs frames; each picture depends on its own frame (and its noise) alone.

        Args:
            frames: (batch, height, width, 3) uint8 of the run's size.

        Returns:
            The same shape and type.
        """
        shape = (len(frames), self._latent_size)
        # Drawn one after another, so that a frame's noise does not depend on the size of the batches.
        eps = self._noise * self._draws.standard_normal(shape) if self._noise else np.zeros(shape)
        return self._graph(frames, eps.astype(np.float32)).numpy()

    def _reconstruct(self, frames: tf.Tensor, eps: tf.Tensor) -> tf.Tensor:
        posterior = self._encoder(to_float(frames))
        latents = posterior.mean + tf.exp(0.5 * posterior.log_variance) * eps
        return to_uint8(self._decoder(latents))
