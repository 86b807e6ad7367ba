"""The terms of the objective: pure functions of tensors, float32, means over the batch.

Larsen et al. 2015 (arXiv 1512.09300), section 2, with the scales of the 2016 code (Broad & Grierson 2017).
"""

from collections.abc import Sequence

import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.discriminator import Verdict
from autoencode.networks.encoder import Posterior
from autoencode.networks.pixels import luminance

PATCH, DIRECTIONS = 7, 32
"""Side of a patch in pixels, and directions that patches are projected on."""

PATCHES = ((1, 8, 0.6), (2, 5, 0.2), (4, 3, 0.2))
"""Of each scale: by how much pictures are made smaller, the stride from patch to patch in pixels of those,
and its weight. The finest, which sees the grain, has the most."""


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


def layout_difference(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """1 − the correlation of two pictures' luminance at a quarter of the sides. Not in the paper.

    Args:
        one: (batch, height, width, 3) float32.
        other: likewise.
    """
    small = (tf.nn.avg_pool2d(luminance(pictures), 4, 4, "VALID") for pictures in (one, other))
    x, y = (image - tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True) for image in small)
    energy = tf.reduce_sum(x * x, axis=(1, 2, 3)) * tf.reduce_sum(y * y, axis=(1, 2, 3))
    # Of an even picture the root's slope would be infinite.
    correlation = tf.reduce_sum(x * y, axis=(1, 2, 3)) * tf.math.rsqrt(energy + 1e-8)
    return 1.0 - tf.reduce_mean(correlation)


def patch_distance(film: tf.Tensor, pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """How far the patches of pictures lie from those of a film, at three scales. Not in the paper.

    The sliced Wasserstein-1 distance of two sets of patches (Heitz et al. 2021, arXiv 2006.07229, of pixels
    and not of features): what does not depend on where in the picture they are, colours, brush and grain. A
    projection of patches on a direction is a convolution with that direction.

    Args:
        film: (batch, height, width, 3) float32.
        pictures: likewise, as many.
        seed: two integers, which decide the directions and where patches begin.
    """
    distances, weights = [], []
    for scale, (side, stride, weight) in enumerate(PATCHES):
        if min(film.shape[1:3]) // side < PATCH + stride - 1:
            continue  # too small a picture for patches of this scale
        draw = tf.random.fold_in(seed, scale)
        shape = (PATCH, PATCH, 3, DIRECTIONS)
        directions = tf.random.stateless_normal(shape, tf.random.fold_in(draw, 0))
        directions /= tf.sqrt(tf.reduce_sum(tf.square(directions), axis=(0, 1, 2)))
        offset = tf.random.stateless_uniform((2,), tf.random.fold_in(draw, 1), 0, stride, tf.int32)
        projected = []
        for images in (film, pictures):
            images = tf.nn.avg_pool2d(images, side, side, "VALID")
            _, height, width, _ = images.shape
            begin, size = [0, offset[0], offset[1], 0], [-1, height - stride + 1, width - stride + 1, 3]
            found = tf.nn.conv2d(tf.slice(images, begin, size), directions, stride, "VALID")
            projected.append(tf.sort(tf.transpose(tf.reshape(found, (-1, DIRECTIONS))), axis=1))
        distances.append(weight * tf.reduce_mean(tf.abs(projected[0] - projected[1])))
        weights.append(weight)
    return tf.add_n(distances) / sum(weights)


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
