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
        weights: one of its checkpoints (`Run.weights`, `Run.second_weights`).
        noise: standard deviation of the latent noise.
        seed: of that noise.

    Raises:
        UserError: the checkpoint is incomplete, or another run's.
    """

    def __init__(self, run: Run, weights: Path, noise: float = 0.0, seed: int = 0) -> None:
        self.size = run.config.size
        self._noise, self._seed = noise, seed
        self._encoder, self._decoder = build_autoencoder(run.config, second=run.is_second(weights))
        width, height = run.config.size
        self._latent_size = run.config.latent_size
        restore_weights(run, weights, self._encoder, self._decoder)
        signature = [
            tf.TensorSpec((None, height, width, 3), tf.uint8),
            tf.TensorSpec((None, run.config.latent_size), tf.float32),
        ]
        self._graph = tf.function(self._reconstruct, input_signature=signature, autograph=False)

    def __call__(self, frames: np.ndarray, first: int = 0) -> np.ndarray:
        """Reconstructs frames; each picture depends on its own frame and place, which decides its noise.

        Args:
            frames: (batch, height, width, 3) uint8 of the run's size.
            first: place of the first of them in the film.

        Returns:
            The same shape and type.
        """
        eps = np.zeros((len(frames), self._latent_size), np.float32)
        if self._noise:
            for place, row in enumerate(eps, first):
                row[:] = self._noise * np.random.default_rng([self._seed, place]).standard_normal(len(row))
        return self._graph(frames, eps).numpy()

    def _reconstruct(self, frames: tf.Tensor, eps: tf.Tensor) -> tf.Tensor:
        posterior = self._encoder(to_float(frames))
        latents = posterior.mean + tf.exp(0.5 * posterior.log_variance) * eps
        return to_uint8(self._decoder(latents))
