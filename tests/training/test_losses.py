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
