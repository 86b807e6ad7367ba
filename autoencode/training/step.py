"""One step: three networks, three optimisers, one `tf.function`.

A step is a pure function of weights, optimiser states, batch, step number and seed: all noise is stateless
and drawn from seed and step, so a resumed training walks the path of an unbroken one.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.build import Networks, build_networks
from autoencode.networks.pixels import to_float
from autoencode.training import losses
from autoencode.training.balance import equalise, gate, norm
from autoencode.training.noise import noise_stddev

METRICS = (
    "kl",
    "pixel",
    "likeness",
    "gan",
    "real_cost",
    "generated_cost",
    "decoder_steps",
    "discriminator_steps",
    "pixel_share",
    "likeness_share",
    "gan_share",
    "noise",
)
"""The entries of the vector that a step returns: losses unscaled, who stepped (0 or 1), and what share of
the gradient's norm at the decoder's output each term carries."""


class Gradients(NamedTuple):
    """Of each network's trainable variables, in their order; times the optimiser's loss scale, if any."""

    encoder: list[tf.Tensor]
    decoder: list[tf.Tensor]
    discriminator: list[tf.Tensor]


class Trainer:
    """Networks, optimisers and the global step: all the state of a training.

    Args:
        config: with a resolved `precision`.
        noise_steps: length of the latent noise's schedule in steps.
    """

    def __init__(self, config: Config, noise_steps: int) -> None:
        self.config = config
        self.noise_steps = noise_steps
        self.networks = build_networks(config)
        self.optimizers = Networks(
            encoder=_adam(config, config.learning_rate),
            decoder=_adam(config, config.learning_rate),
            discriminator=_adam(config, config.discriminator_learning_rate),
        )
        for optimizer, network in zip(self.optimizers, self.networks, strict=True):
            optimizer.build(network.trainable_variables)
        # Not an optimiser's `iterations`: those stand still when their network sits a step out.
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")

    @tf.function
    def train_step(self, frames: tf.Tensor, totals: tf.Tensor) -> tf.Tensor:
        """Lets each network learn from a batch, or sit out.

        Args:
            frames: (batch, height, width, 3) uint8.
            totals: (len(METRICS),) float32, sums over the steps before.

        Returns:
            `totals` plus this step's metrics. They stay on the device: reading them is what costs time.
        """
        gradients, metrics = self.gradients(frames)
        who = gate(self.config, metrics["real_cost"], metrics["generated_cost"])
        self._apply("encoder", gradients.encoder)
        tf.cond(who.decoder, lambda: self._apply("decoder", gradients.decoder), lambda: None)
        tf.cond(
            who.discriminator, lambda: self._apply("discriminator", gradients.discriminator), lambda: None
        )
        self.step.assign_add(1)
        metrics["decoder_steps"] = tf.cast(who.decoder, tf.float32)
        metrics["discriminator_steps"] = tf.cast(who.discriminator, tf.float32)
        return totals + tf.stack([metrics[name] for name in METRICS])

    def gradients(self, frames: tf.Tensor) -> tuple[Gradients, dict[str, tf.Tensor]]:
        """The gradient of each network's own loss, and of no other.

        The losses meet at the decoder's output: their gradients are taken there one by one (through the
        discriminator, down to the picture), mixed once for the decoder and once for the encoder, and sent on.
        So no gradient of the game reaches the encoder, and none of the likeness the discriminator.
        """
        config, (encoder, decoder, discriminator) = self.config, self.networks
        real = to_float(frames)
        noise = noise_stddev(config, self.step, self.noise_steps)
        eps, prior_latents = self._draw(tf.shape(real)[0])

        with tf.GradientTape(persistent=True) as tape:
            posterior = encoder(real, training=True)
            latents = posterior.mean + tf.exp(0.5 * posterior.log_variance) * noise * eps
            reconstruction = decoder(latents, training=True)
            prior = decoder(prior_latents, training=True, track=False)
            kl = losses.kl_divergence(posterior)
            scaled_kl = self.optimizers.encoder.scale_loss(config.kl_weight * kl)

        scale = self.optimizers.decoder.scale_loss(tf.constant(1.0))
        gan_scale = self.optimizers.discriminator.scale_loss(tf.constant(1.0))
        with tf.GradientTape(persistent=True) as judgement:
            judgement.watch([reconstruction, prior])
            on_real, on_reconstruction, on_prior = (discriminator(x) for x in (real, reconstruction, prior))
            pixel = losses.pixel_difference(real, reconstruction)
            likeness = losses.learned_similarity(on_real, on_reconstruction, config.likeness)
            gan = losses.gan_loss(on_real, on_reconstruction, on_prior)
            scaled_likeness, scaled_gan = scale * likeness, gan_scale * gan

        (of_pixel,) = judgement.gradient(pixel, [reconstruction])
        (of_likeness,) = judgement.gradient(scaled_likeness, [reconstruction])
        of_gan, of_gan_prior, for_discriminator = judgement.gradient(
            scaled_gan, [reconstruction, prior, discriminator.trainable_variables]
        )
        # The decoder plays against the discriminator.
        of_likeness, of_gan, of_gan_prior = (
            of_likeness / scale,
            -of_gan / gan_scale,
            -of_gan_prior / gan_scale,
        )
        if config.balance_gradients:
            of_gan_prior /= norm([of_gan]) + 1e-12
            of_pixel, of_likeness, of_gan = equalise(of_pixel), equalise(of_likeness), equalise(of_gan)
            gan_factor = config.gan_weight
        else:
            gan_factor = losses.gan_scale(config)
        of_pixel, of_gan, of_gan_prior = (
            config.pixel_weight * of_pixel,
            gan_factor * of_gan,
            gan_factor * of_gan_prior,
        )

        for_decoder = of_pixel + config.gamma * of_likeness + of_gan
        for_encoder = of_pixel + config.encoder_likeness * of_likeness
        gradients = Gradients(
            encoder=tape.gradient(
                [reconstruction, scaled_kl],
                encoder.trainable_variables,
                output_gradients=[self.optimizers.encoder.scale_loss(for_encoder), tf.constant(1.0)],
            ),
            decoder=tape.gradient(
                [reconstruction, prior],
                decoder.trainable_variables,
                output_gradients=[scale * for_decoder, scale * of_gan_prior],
            ),
            discriminator=[losses.gan_scale(config) * gradient for gradient in for_discriminator],
        )
        norms = [norm([term]) for term in (of_pixel, config.gamma * of_likeness, of_gan)]
        shares = [term / (tf.add_n(norms) + 1e-12) for term in norms]
        return gradients, {
            "kl": kl,
            "pixel": pixel,
            "likeness": likeness,
            "gan": gan,
            "real_cost": losses.real_cost(on_real.logits),
            "generated_cost": 0.5
            * (losses.generated_cost(on_reconstruction.logits) + losses.generated_cost(on_prior.logits)),
            "pixel_share": shares[0],
            "likeness_share": shares[1],
            "gan_share": shares[2],
            "noise": noise,
        }

    def _draw(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """This step's eps and its latents of the prior, both (batch, latent_size)."""
        shape = (batch, self.config.latent_size)
        seed = tf.stack([tf.constant(self.config.seed, tf.int64), self.step])
        eps = tf.random.stateless_normal(shape, tf.random.fold_in(seed, 0))
        prior_seed = tf.random.fold_in(seed, 1)
        if self.config.prior == "uniform":
            return eps, tf.random.stateless_uniform(shape, prior_seed, -1.0, 1.0)
        return eps, tf.random.stateless_normal(shape, prior_seed)

    def _apply(self, name: str, gradients: list[tf.Tensor]) -> None:
        optimizer, network = getattr(self.optimizers, name), getattr(self.networks, name)
        optimizer.apply(gradients, network.trainable_variables)


def _adam(config: Config, learning_rate: float) -> keras.optimizers.Optimizer:
    adam = keras.optimizers.Adam(learning_rate, beta_1=config.beta1)
    # float16 loses small gradients unless they are scaled up; bfloat16 has the range of float32.
    return keras.optimizers.LossScaleOptimizer(adam) if config.precision == "mixed_float16" else adam
