import numpy as np
import tensorflow as tf

from autoencode.training.balance import equalise


def test_an_equalised_gradient_has_norm_1_and_its_direction():
    np.testing.assert_allclose(equalise(tf.constant([3.0, 4.0])), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(equalise(tf.zeros(2)), [0.0, 0.0])
