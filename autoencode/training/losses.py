"""The terms of the objective: pure functions of tensors, float32, means over the batch.

Larsen et al. 2015 (arXiv 1512.09300), section 2, with the scales of the 2016 code (Broad & Grierson 2017).
"""

from collections.abc import Sequence

import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.discriminator import Verdict
from autoencode.networks.encoder import Posterior


def kl_divergence(posterior: Posterior) -> tf.Tensor:
    """KL(q(z|x) ‖ N(0, I)), mean over batch and dimensions: ½(σ² + μ² − 1 − ln σ²) (Larsen eq. 3)."""
    mean, log_variance = posterior
    return 0.5 * tf.reduce_mean(tf.exp(log_variance) + tf.square(mean) - 1.0 - log_variance)


def pixel_difference(real: tf.Tensor, reconstruction: tf.Tensor, kind: str) -> tf.Tensor:
    """How far the pixels of frames in [−1, 1] lie apart. Not in the paper.

    Args:
        real: (batch, height, width, 3) float32.
        reconstruction: likewise.
        kind: `absolute`, the mean magnitude of the difference; `squared`, the mean of its square;
            `structural`, the former and 0.2·(1 − structural similarity): where a frame is even it
            counts the more, as it does to the eye (Zhao et al. 2017, arXiv 1511.08861).
    """
    difference = reconstruction - real
    if kind == "squared":
        return tf.reduce_mean(tf.square(difference))
    absolute = tf.reduce_mean(tf.abs(difference))
    if kind == "absolute":
        return absolute
    # Structural similarity is defined from 0 on. Windows of 7 do as well as the usual 11.
    similarity = tf.image.ssim(real + 1.0, reconstruction + 1.0, max_val=2.0, filter_size=7)
    return absolute + 0.2 * (1.0 - tf.reduce_mean(similarity))


def learned_similarity(real: Verdict, reconstruction: Verdict, kind: str) -> tf.Tensor:
    """How differently the discriminator responds to a frame and to its reconstruction (Larsen eq. 5–6).

    Args:
        real: the verdict on the frames; no gradient flows into it.
        reconstruction: the verdict on their reconstructions.
        kind: `squared`, the mean squared difference of each layer's activations, averaged over the layers;
            `relative`, the mean absolute difference over the real activations' mean magnitude.
    """
    layers = []
    for target, answer in zip(real.activations, reconstruction.activations, strict=True):
        target = tf.stop_gradient(target)
        if kind == "squared":
            layers.append(tf.reduce_mean(tf.math.squared_difference(answer, target)))
        else:
            scale = tf.reduce_mean(tf.abs(target)) + 1e-6
            layers.append(tf.reduce_mean(tf.abs(answer - target)) / scale)
    return tf.add_n(layers) / len(layers)


def real_cost(logits: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of calling these frames real: −ln sigmoid(logit)."""
    return tf.reduce_mean(tf.nn.softplus(-logits))


def generated_cost(logits: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of calling these frames generated: −ln(1 − sigmoid(logit))."""
    return tf.reduce_mean(tf.nn.softplus(logits))


def gan_loss(real: tf.Tensor, generated: Sequence[tf.Tensor]) -> tf.Tensor:
    """The game: the discriminator's costs of the frames and of each kind of generated ones, summed, unscaled.

    The discriminator minimises it, the decoder maximises it (Larsen eq. 8).

    Args:
        real: logits of frames.
        generated: logits of reconstructions, and of prior samples if there are any.
    """
    return tf.add_n([real_cost(real), *(generated_cost(logits) for logits in generated)])


def gan_scale(config: Config) -> float:
    """The factor of both sides of the game: `gan_weight`, over the batch size if `gan_over_batch`."""
    return config.gan_weight / (config.batch_size if config.gan_over_batch else 1)
