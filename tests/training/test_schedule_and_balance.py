import numpy as np
import pytest
import tensorflow as tf

from autoencode.config import Config, make_config
from autoencode.training.balance import equalise, gate
from autoencode.training.noise import noise_stddev


def noise(config, *steps):
    return [float(noise_stddev(config, tf.constant(step, tf.int64), 5)) for step in steps]


def test_linear_noise_reaches_its_end_and_stays():
    assert noise(Config(noise_start=1.0, noise_end=0.2), 0, 1, 2, 4, 5, 1000) == pytest.approx(
        [1.0, 0.8, 0.6, 0.2, 0.2, 0.2]
    )


def test_cosine_noise_is_half_way_in_the_middle():
    assert noise(Config(noise_shape="cosine"), 0, 2, 4) == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)
    assert noise(Config(noise_shape="cosine"), 1)[0] > 0.8


@pytest.mark.parametrize(
    ("real", "generated", "decoder", "discriminator"),
    [
        (0.68, 0.68, True, True),
        (0.30, 0.68, True, False),  # too good at real frames
        (0.68, 0.30, True, False),  # too good at generated ones
        (1.10, 0.68, False, True),  # too bad at real frames
        (0.68, 1.10, False, True),
        (0.30, 1.10, True, True),  # both would sit out: both step
    ],
)
def test_larsens_gate(real, generated, decoder, discriminator):
    who = gate(Config(), tf.constant(real), tf.constant(generated))
    assert (bool(who.decoder), bool(who.discriminator)) == (decoder, discriminator)


@pytest.mark.parametrize("real", [1e-3, 20.0])
def test_as_run_nobody_sat_out(real):
    who = gate(make_config("paper", recipe="as_run"), tf.constant(real), tf.constant(0.68))
    assert (bool(who.decoder), bool(who.discriminator)) == (True, True)


def test_an_equalised_gradient_has_norm_1_and_its_direction():
    np.testing.assert_allclose(equalise(tf.constant([3.0, 4.0])), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(equalise(tf.zeros(2)), [0.0, 0.0])
