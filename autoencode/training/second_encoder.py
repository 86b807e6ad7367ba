"""A second encoder, and a copy of the decoder, that show films which were not learned as if they were.

The first encoder knows its own film alone: of a frame that it never saw, its numbers are noise, and its
linear path gives back the frame's own colours. The second sees own frames as another film might show them,
and nothing but luminance; what it cannot know, all colour and the brush, comes from the memory. Experiments
and figures: experiments/recipes.md, "Another film through the memory".

A step is a pure function of weights, optimiser states, batch and step number, as in `step.py`.
"""

import math

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.build import build_autoencoder
from autoencode.networks.decoder import Decoder
from autoencode.networks.encoder import Encoder
from autoencode.networks.pixels import to_float
from autoencode.training.disturbances import disturb, rearrange
from autoencode.training.loss_scale import LossScale
from autoencode.training.losses import layout_difference, patch_distance
from autoencode.training.noise import schedule

LATENTS, LAYOUT, PATCHES = 0.02, 0.1, 2.25
"""Weights of the losses beside the difference of pixels."""

ENCODER_RATE, DECODER_RATE, RATE_END, BETA1 = 8e-4, 4e-4, 0.02, 0.5
"""Adam's, of each; the share of the rates that is left at the end, after half a cosine."""


class SecondEncoder:
    """The two networks while they learn, their optimisers and their step.

    Args:
        config: of the run.
        first: the encoder and the decoder that remember the film; they stay as they are.
        steps: length of the training.
    """

    def __init__(self, config: Config, first: tuple[Encoder, Decoder], steps: int) -> None:
        self.steps = steps
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._config = config
        self._first, decoder = first
        keras.utils.set_random_seed(config.seed)
        self.encoder, self.decoder = build_autoencoder(config, second=True)
        for variable, value in zip(self.decoder.variables, decoder.variables, strict=True):
            variable.assign(value)
        self.optimizers = [
            keras.optimizers.Adam(_Falling(self, rate), beta_1=BETA1) for rate in (ENCODER_RATE, DECODER_RATE)
        ]
        for optimizer, network in zip(self.optimizers, (self.encoder, self.decoder), strict=True):
            optimizer.build(network.trainable_variables)
        self.loss_scale = LossScale(config)

    @tf.function(autograph=False)
    def train_step(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
        """Learns from a batch; if anything is not a finite number, no weight moves.

        Args:
            frames: (2n, height, width, 3) uint8. The first half is only disturbed: its pictures are to be the
                undisturbed frames. The other half is rearranged as well, and nobody can say what it should
                become: only the layout is asked for. Of all pictures the patches are to be the film's.

        Returns:
            The losses by name, scalars, unweighted; and `skipped`, 1 if no weight moved.
        """
        seed = tf.stack([tf.constant(self._config.seed, tf.int64), self.step])
        film = to_float(frames)
        own, others = tf.split(film, 2)
        others = rearrange(others, tf.random.fold_in(seed, 0))
        shown = disturb(tf.concat([own, others], axis=0), tf.random.fold_in(seed, 1))
        remembered = self._first(own).mean
        networks = (self.encoder, self.decoder)
        variables = [[variable.value for variable in network.trainable_variables] for network in networks]
        with tf.GradientTape() as tape:
            latents = self.encoder(shown, training=True).mean
            pictures = self.decoder(latents, training=True)
            of_own, of_others = tf.split(pictures, 2)
            losses = {
                "pixels": tf.reduce_mean(tf.abs(of_own - own)),
                "latents": tf.reduce_mean(tf.math.squared_difference(tf.split(latents, 2)[0], remembered)),
                "layout": layout_difference(tf.split(shown, 2)[1], of_others),
                "patches": patch_distance(film, pictures, tf.random.fold_in(seed, 2)),
            }
            loss = losses["pixels"] + LATENTS * losses["latents"]
            loss += LAYOUT * losses["layout"] + PATCHES * losses["patches"]
            scaled = self.loss_scale.up(loss)
        none = tf.UnconnectedGradients.ZERO  # of the log-variance, which nothing asks for
        gradients = tape.gradient(scaled, variables, unconnected_gradients=none)
        gradients = [[self.loss_scale.down(gradient) for gradient in of] for of in gradients]
        # Of the gradients only those of biases and gains, as in `Trainer`; in float16 all.
        looked_at = [x for of in gradients for x in of if x.shape.rank == 1 or self.loss_scale.needed]
        squares = [tf.reduce_sum(tf.square(gradient)) for gradient in looked_at]
        is_finite = tf.reduce_all(tf.math.is_finite(tf.stack([loss, *squares])))

        def apply() -> None:
            for optimizer, network, of in zip(self.optimizers, networks, gradients, strict=True):
                optimizer.apply(of, network.trainable_variables)

        tf.cond(is_finite, apply, lambda: None)
        if self.loss_scale.needed:
            self.loss_scale.update(is_finite)
        self.step.assign_add(1)
        return {**losses, "skipped": 1.0 - tf.cast(is_finite, tf.float32)}


class _Falling(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that falls with the training's steps, not with those of its own optimiser."""

    def __init__(self, second: SecondEncoder, rate: float) -> None:
        self._second, self._rate = second, rate

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        falling = 0.5 + 0.5 * tf.cos(math.pi * schedule(self._second.step, self._second.steps))
        return self._rate * (RATE_END + (1.0 - RATE_END) * falling)
