import numpy as np
import tensorflow as tf

from autoencode.training.disturbances import INVERTED, UNDISTURBED, disturb, rearrange

SEED = tf.constant([3, 5])
COLOUR = np.float32([0.1, 0.5, -0.3])


def test_disturbed_pictures_are_still_pictures_and_the_same_for_the_same_seed():
    pictures = tf.random.stateless_uniform((64, 8, 8, 3), (0, 1), -1.0, 1.0)
    disturbed = disturb(pictures, SEED)
    assert disturbed.shape == pictures.shape
    assert np.abs(disturbed).max() <= 1
    np.testing.assert_array_equal(disturbed, disturb(pictures, SEED))
    assert not np.array_equal(disturbed, disturb(pictures, tf.constant([3, 6])))


def test_some_pictures_stay_and_the_others_are_lighter_or_darker():
    pictures = np.broadcast_to(COLOUR, (4000, 16, 16, 3))
    disturbed = disturb(tf.constant(pictures), SEED).numpy()
    stayed = (disturbed == pictures).all(axis=(1, 2, 3))
    assert abs(stayed.mean() - UNDISTURBED) < 0.03
    means = disturbed[~stayed].mean(axis=(1, 2, 3)) - COLOUR.mean()
    assert 0.4 < (means > 0).mean() < 0.6
    assert 0.05 < np.abs(means).mean() < 0.2


def test_rearranged_pictures_have_the_films_colours_in_another_order():
    pictures = np.broadcast_to(COLOUR, (400, 16, 24, 3))
    rearranged = rearrange(tf.constant(pictures), SEED).numpy()
    colours = np.sort(rearranged[:, 0, 0], axis=1)
    np.testing.assert_allclose(rearranged, np.broadcast_to(rearranged[:, :1, :1], pictures.shape), atol=1e-6)
    usual = np.isclose(colours, np.sort(COLOUR), atol=1e-6).all(axis=1)
    inverted = np.isclose(colours, np.sort(-COLOUR), atol=1e-6).all(axis=1)
    assert (usual | inverted).all()
    assert abs(inverted.mean() - INVERTED) < 0.06
    assert len({tuple(order) for order in np.argsort(rearranged[usual, 0, 0], axis=1)}) == 6


def test_rearranged_pictures_are_parts_of_two_at_the_most():
    levels = np.linspace(-1, 1, 40, dtype=np.float32)
    pictures = np.broadcast_to(levels[:, None, None, None], (40, 16, 24, 3))
    rearranged = rearrange(tf.constant(pictures), SEED).numpy()
    kinds = [len(np.unique(np.abs(picture).round(4))) for picture in rearranged]
    assert set(kinds) == {1, 2}
    np.testing.assert_array_equal(rearranged, rearrange(tf.constant(pictures), SEED))
