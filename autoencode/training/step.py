"""One step: three networks, three optimisers, one `tf.function`.

A step is a pure function of weights, optimiser states, batch, step number and seed: all noise is stateless
and drawn from seed and step, so a resumed training walks the path of an unbroken one. (On a CPU: on a GPU
TensorFlow's kernels may round in another order each time.)
"""

import math
from collections.abc import Iterable
from functools import partial

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.build import Networks, build_networks
from autoencode.networks.pixels import to_float
from autoencode.training.gate import Gate, gate
from autoencode.training.loss_scale import LossScale
from autoencode.training.noise import draw_prior, noise_stddev, schedule
from autoencode.training.objective import Gradients, Objective

METRICS = (
    "kl",
    "log_variance",
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
    "learning_rate",
    "skipped",
)
"""What is summed up over the steps: losses unscaled; the largest magnitude of a log-variance; who stepped
(0 or 1); what share of the gradient's norm at the decoder's output each term carries; and whether a network
was passed over because something was not a finite number."""


class Trainer:
    """Networks, optimisers and the global step: all the state of a training.

    Args:
        config: with a resolved `precision`.
        schedule_steps: length of the schedules of latent noise and learning rates.
    """

    def __init__(self, config: Config, schedule_steps: int) -> None:
        self.config = config
        self.schedule_steps = schedule_steps
        # Not an optimiser's `iterations`: those stand still when their network sits a step out.
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.seed = tf.Variable(config.seed, dtype=tf.int64, trainable=False, name="seed")
        self.learning_rate_scale = tf.Variable(1.0, trainable=False, name="learning_rate_scale")
        """Factor of all learning rates."""
        self._totals = tf.Variable(tf.zeros(len(METRICS)), trainable=False, name="totals")
        self._summed = tf.Variable(0.0, trainable=False, name="summed")
        self.networks = build_networks(config)
        self.optimizers = Networks(
            encoder=self._adam(config.learning_rate),
            decoder=self._adam(config.learning_rate),
            discriminator=self._adam(config.discriminator_learning_rate),
        )
        for optimizer, network in zip(self.optimizers, self.networks, strict=True):
            optimizer.build(network.trainable_variables)
        self.loss_scale = LossScale(config)
        self._objective = Objective(config, self.networks, self.loss_scale)

    @property
    def counters(self) -> list[tf.Variable]:
        """All of the state but networks and optimisers."""
        return [
            self.step,
            self.seed,
            self.learning_rate_scale,
            self._totals,
            self._summed,
            *self.loss_scale.counters,
        ]

    @property
    def _averages(self) -> list[tf.Variable]:
        """Moving averages, which are updated before it is known whether all losses are finite."""
        norms = [norm for network in self.networks for norm in network.norms]
        return [variable for norm in norms for variable in norm.non_trainable_variables]

    # Here and in the other graphs no `if` asks a tensor: AutoGraph would only make the start longer.
    @tf.function(autograph=False)
    def train_step(self, frames: tf.Tensor) -> None:
        """Updates each network with a batch, unless the gate makes it skip the step.

        Losses that are not finite change nothing but the counters. A network whose gradients are not finite
        is not updated; in float16, then none is.

        Args:
            frames: (batch, height, width, 3) uint8.
        """
        averages = self._averages
        before = [tf.identity(variable) for variable in averages]
        gradients, metrics = self.gradients(frames)
        losses_finite = self._finite(metrics[name] for name in ("kl", "pixel", "likeness", "gan"))
        allowed = Gate(tf.constant(True), tf.constant(True))
        if self.config.is_adversarial:
            allowed = gate(self.config, metrics["real_cost"], metrics["generated_cost"])
        may_step = {"encoder": True, "decoder": allowed.decoder, "discriminator": allowed.discriminator}
        trained = {name: of for name, of in gradients._asdict().items() if of is not None}
        is_finite = {
            name: tf.logical_and(losses_finite, self._are_finite(of)) for name, of in trained.items()
        }
        all_finite = tf.reduce_all(list(is_finite.values()))
        if self.loss_scale.needed:
            is_finite = dict.fromkeys(trained, all_finite)
        for name, of in trained.items():
            # Except in float16, each optimiser waits for its own network's gradients only, and runs while the
            # other networks' gradients are still being computed.
            step = partial(self._apply, name, of)
            tf.cond(tf.logical_and(is_finite[name], may_step[name]), step, lambda: None)
        if self.loss_scale.needed:
            self.loss_scale.update(all_finite)
        for average, old in zip(averages, before, strict=True):
            good = tf.logical_and(losses_finite, tf.math.is_finite(average.value))
            average.assign(tf.where(good, average.value, old))
        metrics["decoder_steps"] = tf.cast(allowed.decoder, tf.float32)
        learns = self.config.gan_weight > 0
        metrics["discriminator_steps"] = tf.cast(tf.logical_and(allowed.discriminator, learns), tf.float32)
        metrics["learning_rate"] = self._rate(self.config.learning_rate)
        metrics["skipped"] = tf.constant(0.0)
        skipped = tf.one_hot(METRICS.index("skipped"), len(METRICS))
        values = tf.stack([metrics[name] for name in METRICS])
        self._totals.assign_add(tf.where(all_finite, values, skipped))
        self._summed.assign_add(1.0)
        self.step.assign_add(1)

    def take_means(self) -> dict[str, float]:
        """The means of METRICS over the steps since the last call; of `skipped`, the share of the steps.

        The sums stay on the device until somebody asks: reading them is what costs time.
        """
        totals, summed = self._totals.numpy(), float(self._summed)
        self._totals.assign(tf.zeros_like(self._totals))
        self._summed.assign(0.0)
        skipped = totals[METRICS.index("skipped")]
        means = dict(zip(METRICS, (totals / max(1.0, summed - skipped)).tolist(), strict=True))
        return {**means, "skipped": float(skipped / max(1.0, summed))}

    def gradients(self, frames: tf.Tensor) -> tuple[Gradients, dict[str, tf.Tensor]]:
        """The gradient of each network's own loss at a batch, and of no other.

        Args:
            frames: (batch, height, width, 3) uint8.

        Returns:
            The gradients, and the metrics by name, but for who steps and how far.
        """
        noise = noise_stddev(self.config, self.step, self.schedule_steps)
        eps, prior_latents = self._draw(tf.shape(frames)[0])
        gradients, metrics = self._objective.gradients(to_float(frames), noise * eps, prior_latents)
        return gradients, {"noise": noise, **metrics}

    def _are_finite(self, gradients: list[tf.Tensor]) -> tf.Tensor:
        """Whether a network's gradients are finite, where its losses are: scalar boolean.

        Looks at the squares, which Adam takes, of those of biases and gains. Every layer has one, the sum of
        all that came back to it; its kernel's gradient, a thousand times as much to read, is the product of
        that and of what went through, to the losses. Where such a product of finite numbers overflows, the
        next step's losses say so; in float16 it is common, and all gradients are looked at.
        """
        if not self.loss_scale.needed:
            gradients = [gradient for gradient in gradients if gradient.shape.rank == 1]
        return self._finite(tf.reduce_sum(tf.square(self.loss_scale.down(x))) for x in gradients)

    def _finite(self, numbers: Iterable[tf.Tensor]) -> tf.Tensor:
        """Whether scalars are all finite: scalar boolean."""
        return tf.reduce_all(tf.math.is_finite(tf.stack(list(numbers))))

    def _draw(self, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The eps and the latents of the prior of this step, both (batch, latent_size)."""
        seed = tf.stack([self.seed, self.step])
        eps = tf.random.stateless_normal((batch, self.config.latent_size), tf.random.fold_in(seed, 0))
        return eps, draw_prior(self.config, batch, tf.random.fold_in(seed, 1))

    def _apply(self, name: str, gradients: list[tf.Tensor]) -> None:
        optimizer, network = getattr(self.optimizers, name), getattr(self.networks, name)
        optimizer.apply([self.loss_scale.down(x) for x in gradients], network.trainable_variables)

    def _rate(self, learning_rate: float) -> tf.Tensor:
        """A learning rate at this step."""
        end = self.config.learning_rate_end
        falling = 0.5 + 0.5 * tf.cos(math.pi * schedule(self.step, self.schedule_steps))
        return learning_rate * self.learning_rate_scale * (end + (1.0 - end) * falling)

    def _adam(self, learning_rate: float) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(_Rate(self, learning_rate), beta_1=self.config.beta1)


class _Rate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that follows the training's steps, not those of its own optimiser."""

    def __init__(self, trainer: Trainer, learning_rate: float) -> None:
        self._trainer, self._learning_rate = trainer, learning_rate

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self._trainer._rate(self._learning_rate)
