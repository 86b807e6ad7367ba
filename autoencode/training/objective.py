"""What each network is to make smaller: the losses, their weights, and the way of their gradients.

Encoder: KL + likeness. Decoder: γ·likeness − GAN. Discriminator: GAN (Larsen et al. 2015, arXiv 1512.09300,
algorithm 1). A pixel term, which is not in the paper, goes to encoder and decoder.
"""

from typing import NamedTuple

import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.build import Networks
from autoencode.training import losses
from autoencode.training.balance import equalise, norm
from autoencode.training.loss_scale import LossScale


class Gradients(NamedTuple):
    """Of each network's trainable variables, in their order; times the loss scale."""

    encoder: list[tf.Tensor]
    decoder: list[tf.Tensor]
    discriminator: list[tf.Tensor] | None  # None: it has no office


class Terms(NamedTuple):
    """Gradients at the decoder's output: of three losses at the reconstruction, of the game at the sample.

    Each (batch, height, width, 3) float32.
    """

    pixel: tf.Tensor
    likeness: tf.Tensor
    gan: tf.Tensor
    gan_prior: tf.Tensor | None = None


class Objective:
    """The losses meet at the decoder's output.

    Their gradients are taken there one by one (through the discriminator, down to the picture), mixed once
    for the decoder and once for the encoder, and sent on. So no gradient of the game reaches the encoder,
    unless `encoder_gan` asks for it, and none of the likeness the discriminator.

    Args:
        config: weights and kinds of the terms.
        networks: the three.
        loss_scale: that the gradients carry.
    """

    def __init__(self, config: Config, networks: Networks, loss_scale: LossScale) -> None:
        self._config, self._networks, self._loss_scale = config, networks, loss_scale
        # Whether the discriminator has an office: judge of likeness, or player, be it alone.
        self._judges = config.uses_learned_similarity or config.gan_weight > 0

    def gradients(
        self, real: tf.Tensor, noise: tf.Tensor, prior_latents: tf.Tensor
    ) -> tuple[Gradients, dict[str, tf.Tensor]]:
        """The gradient of each network's own loss, and of no other.

        Args:
            real: (batch, height, width, 3) float32 in [−1, 1].
            noise: (batch, latent_size) float32, what a latent is moved by, in units of its own sigma.
            prior_latents: (batch, latent_size) float32.

        Returns:
            The gradients, and the terms of the objective and their shares by name.
        """
        config, (encoder, decoder, _) = self._config, self._networks
        with tf.GradientTape(persistent=True) as tape:
            posterior = encoder(real, training=True)
            latents = posterior.mean + tf.exp(0.5 * posterior.log_variance) * noise
            reconstruction = decoder(latents, training=True)
            with_prior = config.prior != "none" and config.gan_weight > 0
            prior = decoder(prior_latents, training=True, track=False) if with_prior else None
            kl = losses.kl_divergence(posterior)
            scaled_kl = self._loss_scale.up(config.kl_weight * kl)

        terms, for_discriminator, metrics = self._judge(real, reconstruction, prior)
        terms = self._weigh(terms)
        of_decoder = (terms.pixel, config.gamma * terms.likeness, config.decoder_gan * terms.gan)
        norms = [norm([term]) for term in of_decoder]
        pixel_share, likeness_share, gan_share = (part / (tf.add_n(norms) + 1e-12) for part in norms)

        for_decoder = tf.add_n(of_decoder)
        for_encoder = terms.pixel + config.encoder_likeness * terms.likeness + config.encoder_gan * terms.gan
        # What comes back to the decoder: a gradient at each of its outputs.
        outputs, back = [reconstruction], [for_decoder]
        if terms.gan_prior is not None:
            outputs, back = [*outputs, prior], [*back, config.decoder_gan * terms.gan_prior]
        gradients = Gradients(
            encoder=tape.gradient(
                [reconstruction, scaled_kl],
                encoder.trainable_variables,
                output_gradients=[self._loss_scale.up(for_encoder), tf.constant(1.0)],
            ),
            decoder=tape.gradient(
                outputs,
                decoder.trainable_variables,
                output_gradients=[self._loss_scale.up(x) for x in back],
            ),
            discriminator=for_discriminator,
        )
        shares = {"pixel_share": pixel_share, "likeness_share": likeness_share, "gan_share": gan_share}
        log_variance = tf.reduce_max(tf.abs(posterior.log_variance))
        return gradients, {"kl": kl, "log_variance": log_variance, **metrics, **shares}

    def _judge(
        self, real: tf.Tensor, reconstruction: tf.Tensor, prior: tf.Tensor | None
    ) -> tuple[Terms, list[tf.Tensor] | None, dict[str, tf.Tensor]]:
        """What the pixels, and the discriminator, make of real and generated pictures.

        Returns:
            The gradient of each unscaled loss at the pictures; the discriminator's own gradients, if it has
            an office at all; metrics.
        """
        config, discriminator, scale = self._config, self._networks.discriminator, self._loss_scale
        with tf.GradientTape() as tape:
            tape.watch(reconstruction)
            pixel = losses.pixel_difference(real, reconstruction, config.pixel_loss)
        of_pixel = tape.gradient(pixel, reconstruction)
        if not self._judges:
            nothing, zero = tf.zeros_like(reconstruction), tf.constant(0.0)
            names = ("likeness", "gan", "real_cost", "generated_cost")
            return Terms(of_pixel, nothing, nothing), None, {"pixel": pixel, **dict.fromkeys(names, zero)}
        pictures = [reconstruction] if prior is None else [reconstruction, prior]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pictures)
            on_real, on_generated = discriminator(real), [discriminator(x) for x in pictures]
            likeness = losses.learned_similarity(on_real, on_generated[0], config.likeness)
            gan = losses.gan_loss(on_real.logits, [verdict.logits for verdict in on_generated])
            scaled_likeness, scaled_gan = scale.up(likeness), scale.up(gan)
        of_gan, for_discriminator = tape.gradient(scaled_gan, [pictures, discriminator.trainable_variables])
        # The decoder plays against the discriminator.
        against = [-scale.down(gradient) for gradient in of_gan]
        terms = Terms(of_pixel, scale.down(tape.gradient(scaled_likeness, reconstruction)), *against)
        costs = [losses.generated_cost(verdict.logits) for verdict in on_generated]
        metrics = {
            "pixel": pixel,
            "likeness": likeness,
            "gan": gan,
            "real_cost": losses.real_cost(on_real.logits),
            "generated_cost": tf.add_n(costs) / len(costs),
        }
        gan_weight = losses.gan_scale(config)
        return terms, [gan_weight * gradient for gradient in for_discriminator], metrics

    def _weigh(self, terms: Terms) -> Terms:
        """The terms with their weights, but for the likeness, which weighs differently in two networks."""
        config, gan_weight = self._config, losses.gan_scale(self._config)
        pixel, likeness, gan, gan_prior = terms
        if config.balance_gradients:
            gan_weight = config.gan_weight
            # A prior sample's gradient keeps its length relative to a reconstruction's.
            gan_prior = None if gan_prior is None else gan_prior / (norm([gan]) + 1e-12)
            pixel, likeness, gan = equalise(pixel), equalise(likeness), equalise(gan)
        gan_prior = None if gan_prior is None else gan_weight * gan_prior
        return Terms(config.pixel_weight * pixel, likeness, gan_weight * gan, gan_prior)
