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
from autoencode.training.noise import draw_prior, noise_stddev

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


class Terms(NamedTuple):
    """Gradients at the decoder's output: of three losses at the reconstruction, of the game at the sample.

    Each (batch, height, width, 3) float32.
    """

    pixel: tf.Tensor
    likeness: tf.Tensor
    gan: tf.Tensor
    gan_prior: tf.Tensor


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

        Args:
            frames: (batch, height, width, 3) uint8.

        Returns:
            The gradients, and the metrics by name but for who steps.
        """
        config, (encoder, decoder, _) = self.config, self.networks
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

        terms, for_discriminator, metrics = self._judge(real, reconstruction, prior)
        terms = self._weigh(terms)
        norms = [norm([terms.pixel]), norm([config.gamma * terms.likeness]), norm([terms.gan])]
        pixel_share, likeness_share, gan_share = (part / (tf.add_n(norms) + 1e-12) for part in norms)

        for_decoder = terms.pixel + config.gamma * terms.likeness + terms.gan
        for_encoder = terms.pixel + config.encoder_likeness * terms.likeness
        gradients = Gradients(
            encoder=tape.gradient(
                [reconstruction, scaled_kl],
                encoder.trainable_variables,
                output_gradients=[self.optimizers.encoder.scale_loss(for_encoder), tf.constant(1.0)],
            ),
            decoder=tape.gradient(
                [reconstruction, prior],
                decoder.trainable_variables,
                output_gradients=[
                    self.optimizers.decoder.scale_loss(x) for x in (for_decoder, terms.gan_prior)
                ],
            ),
            discriminator=for_discriminator,
        )
        shares = {"pixel_share": pixel_share, "likeness_share": likeness_share, "gan_share": gan_share}
        return gradients, {"kl": kl, "noise": noise, **metrics, **shares}

    def _judge(
        self, real: tf.Tensor, reconstruction: tf.Tensor, prior: tf.Tensor
    ) -> tuple[Terms, list[tf.Tensor], dict[str, tf.Tensor]]:
        """What the discriminator makes of three batches of pictures.

        Returns:
            The gradient of each unscaled loss at the pictures; the discriminator's own gradients; metrics.
        """
        discriminator = self.networks.discriminator
        likeness_scale = self.optimizers.decoder.scale_loss(tf.constant(1.0))
        gan_scale = self.optimizers.discriminator.scale_loss(tf.constant(1.0))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([reconstruction, prior])
            on_real, on_reconstruction, on_prior = (discriminator(x) for x in (real, reconstruction, prior))
            pixel = losses.pixel_difference(real, reconstruction)
            likeness = losses.learned_similarity(on_real, on_reconstruction, self.config.likeness)
            gan = losses.gan_loss(on_real, on_reconstruction, on_prior)
            scaled_likeness, scaled_gan = likeness_scale * likeness, gan_scale * gan
        of_gan, of_gan_prior, for_discriminator = tape.gradient(
            scaled_gan, [reconstruction, prior, discriminator.trainable_variables]
        )
        terms = Terms(
            pixel=tape.gradient(pixel, reconstruction),
            likeness=tape.gradient(scaled_likeness, reconstruction) / likeness_scale,
            # The decoder plays against the discriminator.
            gan=-of_gan / gan_scale,
            gan_prior=-of_gan_prior / gan_scale,
        )
        generated = (on_reconstruction.logits, on_prior.logits)
        metrics = {
            "pixel": pixel,
            "likeness": likeness,
            "gan": gan,
            "real_cost": losses.real_cost(on_real.logits),
            "generated_cost": tf.add_n([losses.generated_cost(logits) for logits in generated]) / 2,
        }
        gan_weight = losses.gan_scale(self.config)
        return terms, [gan_weight * gradient for gradient in for_discriminator], metrics

    def _weigh(self, terms: Terms) -> Terms:
        """The terms with their weights, but for the likeness, which weighs differently in two networks."""
        config, gan_weight = self.config, losses.gan_scale(self.config)
        if config.balance_gradients:
            pixel, likeness, gan = equalise(terms.pixel), equalise(terms.likeness), equalise(terms.gan)
            terms = Terms(pixel, likeness, gan, terms.gan_prior / (norm([terms.gan]) + 1e-12))
            gan_weight = config.gan_weight
        return terms._replace(
            pixel=config.pixel_weight * terms.pixel,
            gan=gan_weight * terms.gan,
            gan_prior=gan_weight * terms.gan_prior,
        )

    def _draw(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The eps and the latents of the prior of this step, both (batch, latent_size)."""
        seed = tf.stack([tf.constant(self.config.seed, tf.int64), self.step])
        eps = tf.random.stateless_normal((batch, self.config.latent_size), tf.random.fold_in(seed, 0))
        return eps, draw_prior(self.config, batch, tf.random.fold_in(seed, 1))

    def _apply(self, name: str, gradients: list[tf.Tensor]) -> None:
        optimizer, network = getattr(self.optimizers, name), getattr(self.networks, name)
        optimizer.apply(gradients, network.trainable_variables)


def _adam(config: Config, learning_rate: float) -> keras.optimizers.Optimizer:
    adam = keras.optimizers.Adam(learning_rate, beta_1=config.beta1)
    # float16 loses small gradients unless they are scaled up; bfloat16 has the range of float32.
    return keras.optimizers.LossScaleOptimizer(adam) if config.precision == "mixed_float16" else adam
