import pytest
import tensorflow as tf

from autoencode.config import Config
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
