"""Numbers worked out by hand."""

import math

import pytest
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.discriminator import Verdict
from autoencode.networks.encoder import Posterior
from autoencode.training import losses


def verdict(logit=0.0, *activations):
    return Verdict(tf.constant([[logit]]), tuple(tf.constant(layer) for layer in activations))


def test_kl_of_the_prior_itself_is_zero():
    assert float(losses.kl_divergence(Posterior(tf.zeros((2, 3)), tf.zeros((2, 3))))) == 0


def test_kl_is_a_mean_over_dimensions_and_batch():
    # mean 1, variance 1: 1/2; mean 0, variance 4: (4 − 1 − ln 4)/2; mean of the two.
    posterior = Posterior(tf.constant([[1.0, 0.0]]), tf.constant([[0.0, math.log(4.0)]]))
    assert float(losses.kl_divergence(posterior)) == pytest.approx((0.5 + (3 - math.log(4)) / 2) / 2)


def test_kl_has_a_gradient_far_out():
    """The 2016 code clipped: outside the range nothing was learned."""
    mean = tf.Variable([[50.0]])
    with tf.GradientTape() as tape:
        kl = losses.kl_divergence(Posterior(mean, tf.constant([[0.0]])))
    assert float(tape.gradient(kl, mean)[0, 0]) == 50.0


def test_pixel_differences_of_even_frames():
    real, ours = tf.fill((1, 16, 16, 3), -0.5), tf.zeros((1, 16, 16, 3))
    # Nothing but the means, 0.5 and 1 from black on, tells the frames apart: (2·0.5·1 + C)/(0.25 + 1 + C).
    similarity = (1 + 0.0004) / (1.25 + 0.0004)
    expected = {"absolute": 0.5, "squared": 0.25, "structural": 0.5 + 0.2 * (1 - similarity)}
    for kind, value in expected.items():
        assert float(losses.pixel_difference(real, ours, kind)) == pytest.approx(value, abs=1e-4)
        assert float(losses.pixel_difference(real, real, kind)) == pytest.approx(0, abs=1e-6)


def test_squared_similarity_averages_the_layers_not_the_units():
    real = verdict(0.0, [[1.0, 1.0, 1.0]], [[2.0]])
    ours = verdict(0.0, [[1.0, 1.0, 4.0]], [[0.0]])
    assert float(losses.learned_similarity(real, ours, "squared")) == pytest.approx((9 / 3 + 4) / 2)


def test_relative_similarity_is_free_of_the_activations_scale():
    real = verdict(0.0, [[1.0, 3.0]], [[100.0]])
    ours = verdict(0.0, [[2.0, 2.0]], [[50.0]])
    # mean |Δ| over mean |real|: 1/2, and 50/100.
    assert float(losses.learned_similarity(real, ours, "relative")) == pytest.approx(0.5, rel=1e-5)


def test_undecided_logits_cost_ln_2_each():
    even = verdict().logits
    assert float(losses.gan_loss(even, [even, even])) == pytest.approx(3 * math.log(2))
    assert float(losses.gan_loss(even, [even])) == pytest.approx(2 * math.log(2))


def test_cross_entropies_of_a_sure_and_wrong_discriminator_are_its_logits():
    assert float(losses.real_cost(tf.constant([[-80.0]]))) == pytest.approx(80)
    assert float(losses.generated_cost(tf.constant([[80.0]]))) == pytest.approx(80)


def test_the_games_published_scale_is_one_72nd_at_batch_12():
    assert losses.gan_scale(Config()) == pytest.approx(1 / 72)
    assert losses.gan_scale(Config(gan_over_batch=False)) == pytest.approx(1 / 6)


def test_pixel_difference_by_hand():
    real, ours = tf.constant([[[[1.0, -1.0, 0.0]]]]), tf.constant([[[[0.0, -1.0, 0.5]]]])
    assert float(losses.pixel_difference(real, ours, "absolute")) == pytest.approx((1 + 0 + 0.5) / 3)
    assert float(losses.pixel_difference(real, ours, "squared")) == pytest.approx((1 + 0 + 0.25) / 3)


def test_the_layout_of_a_picture_is_that_of_its_luminance():
    left = tf.concat([tf.ones((1, 16, 8, 3)), tf.zeros((1, 16, 8, 3))], axis=2)
    red = 0.5 * left * tf.constant([1.0, 0.0, 0.0]) - 0.2
    assert float(losses.layout_difference(left, red)) == pytest.approx(0, abs=1e-4)
    assert float(losses.layout_difference(left, 1 - left)) == pytest.approx(2, abs=1e-4)
    assert float(losses.layout_difference(left, tf.transpose(left, (0, 2, 1, 3)))) == pytest.approx(
        1, abs=1e-4
    )


def test_the_layout_of_an_even_picture_has_a_finite_gradient():
    even = tf.Variable(tf.zeros((1, 16, 16, 3)))
    with tf.GradientTape() as tape:
        difference = losses.layout_difference(even, tf.random.stateless_uniform((1, 16, 16, 3), (0, 0)))
    assert float(difference) == 1
    assert bool(tf.reduce_all(tf.math.is_finite(tape.gradient(difference, even))))


def test_patches_of_the_same_colours_and_brush_lie_near_wherever_they_are():
    film = tf.random.stateless_uniform((8, 64, 96, 3), (0, 0), -1.0, 1.0)
    elsewhere = tf.reverse(film, axis=[0])
    assert float(losses.patch_distance(film, elsewhere, (1, 2))) == pytest.approx(0, abs=1e-6)
    moved = tf.roll(film, shift=(5, 9), axis=(1, 2))
    near = float(losses.patch_distance(film, moved, (1, 2)))
    blurred = tf.nn.avg_pool2d(film, 3, 1, "SAME")
    assert near < 0.3 * float(losses.patch_distance(film, blurred, (1, 2)))
    # An even difference moves every projection by it times the sum of the direction.
    lighter, much_lighter = (float(losses.patch_distance(film, film + d, (1, 2))) for d in (0.1, 0.2))
    assert much_lighter == pytest.approx(2 * lighter, rel=1e-4)


@pytest.mark.parametrize("size", [(16, 16), (32, 32), (48, 32)])
def test_small_pictures_have_patches_too(size):
    film = tf.random.stateless_uniform((2, *size, 3), (0, 0), -1.0, 1.0)
    assert 0 < float(losses.patch_distance(film, 0.5 * film, (1, 2))) < 1
