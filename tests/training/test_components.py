"""What a film's principal components hold of it."""

import numpy as np
import pytest

from autoencode.config import make_config
from autoencode.metrics import Motion, psnr
from autoencode.networks.build import build_networks
from autoencode.networks.pixels import to_float, to_uint8
from autoencode.training.components import principal_components

SIZE = (32, 32, 3)


def film(*shots: tuple[int, int, float]) -> tuple[np.ndarray, list[range]]:
    """Shots of so many frames, each changing in its own random directions, by so many levels in each."""
    draws, frames, ranges, first = np.random.default_rng(0), [], [], 0
    for length, directions, levels in shots:
        patterns = draws.choice([-1.0, 1.0], (directions, *SIZE))
        amounts = draws.normal(0, levels, (length, directions))
        picture = draws.integers(80, 176, SIZE)
        frames.append(picture + np.tensordot(amounts, patterns, axes=1))
        ranges.append(range(first, first + length))
        first += length
    return np.clip(np.round(np.concatenate(frames)), 0, 255).astype(np.uint8), ranges


def remembered(frames: np.ndarray, shots: list[range], count: int) -> np.ndarray:
    """The frames through untrained networks of `count` numbers that have the film's components."""
    config = make_config("tiny", latent_size=count, linear_path=True, precision="float32")
    encoder, decoder, _ = build_networks(config)
    encoder.linear_path.assign(principal_components(lambda: frames, shots, count))
    return to_uint8(decoder(encoder(to_float(frames)).mean)).numpy()


def test_a_film_of_few_dimensions_is_remembered_before_the_first_step():
    # Two mean pictures are one direction, the changes are two and one.
    frames, shots = film((150, 2, 9.0), (70, 1, 9.0))
    assert psnr(frames, remembered(frames, shots, 4)).numpy().min() > 50
    assert psnr(frames, remembered(frames, shots, 2)).numpy().min() < 35


def test_a_shot_that_hardly_moves_keeps_its_movement():
    # Ten directions of 8 levels share a shot's energy, one of 2 levels has the other's to itself: it comes
    # before any of the ten. Unlevelled it would come after all of them.
    frames, shots = film((100, 10, 8.0), (100, 1, 2.0))
    motion = Motion(shots)
    motion.add(frames, remembered(frames, shots, 3))
    assert motion.quiet > 0.9
    assert motion.film < 0.3


def test_a_still_film_has_a_mean_and_no_direction():
    frames = np.full((30, *SIZE), 77, np.uint8)
    mean, directions, deviations = principal_components(lambda: frames, [range(30)], 5)
    np.testing.assert_allclose(mean, 77 / 127.5 - 1, atol=1e-6)
    assert not directions.any()
    assert (deviations == 1).all()


def test_stills_have_as_many_directions_as_there_are_pictures_less_one():
    frames, shots = film(*[(20, 1, 0.0)] * 7)
    _, directions, deviations = principal_components(lambda: frames, shots, 12)
    assert directions.any(axis=0).tolist() == [True] * 6 + [False] * 6
    assert (deviations[:6] > 1).all()
    assert (deviations[6:] == 1).all()


def test_latents_have_the_variance_of_the_prior():
    frames, shots = film((100, 3, 20.0), (60, 2, 2.0))
    mean, directions, deviations = principal_components(lambda: frames, shots, 6)
    latents = ((frames / 127.5 - 1).reshape(160, -1) - mean) @ directions / deviations
    assert latents.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-3)
    assert latents.std(axis=0) == pytest.approx(np.ones(6), rel=1e-3)
