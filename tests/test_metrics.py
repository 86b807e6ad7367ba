import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from autoencode.metrics import Motion, psnr, ssim


def pictures(count=3):
    draws = np.random.default_rng(0)
    real = draws.integers(0, 256, (count, 64, 96, 3), dtype=np.uint8)
    noisy = np.clip(real + draws.normal(0, 20, real.shape), 0, 255).astype(np.uint8)
    return real, noisy


def test_psnr_agrees_with_scikit_image():
    real, noisy = pictures()
    expected = [peak_signal_noise_ratio(a, b) for a, b in zip(real, noisy, strict=True)]
    np.testing.assert_allclose(psnr(real, noisy), expected, atol=1e-3)


def test_psnr_by_hand():
    real = np.zeros((1, 16, 16, 3), np.uint8)
    assert float(psnr(real, real + 255)[0]) == pytest.approx(0.0, abs=1e-5)
    assert float(psnr(real, real + 1)[0]) == pytest.approx(48.13, abs=0.01)


def test_identical_frames_count_as_60_db():
    real, _ = pictures()
    np.testing.assert_allclose(psnr(real, real), 60.0, atol=1e-4)


def test_ssim_agrees_with_scikit_image():
    real, noisy = pictures()
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    for ours, a, b in zip(ssim(real, noisy).numpy(), real, noisy, strict=True):
        _, full = structural_similarity(a, b, channel_axis=-1, full=True, **settings)
        # scikit-image pads; the windows that lie wholly inside are the ones to compare.
        assert ours == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-4)


def kept(shots, real, reconstruction, batch=5):
    motion = Motion(shots)
    for first in range(0, len(real), batch):
        motion.add(real[first : first + batch], reconstruction[first : first + batch])
    return motion


def levels(*values):
    """One picture of a single pixel for each value."""
    return np.repeat(np.array(values, np.uint8), 3).reshape(-1, 1, 1, 3)


def test_motion_by_hand():
    real = levels(10, 20, 30)  # Δx = −10, 0, 10
    assert kept([range(3)], real, real).film == pytest.approx(1.0)
    assert kept([range(3)], real, levels(7, 7, 7)).film == pytest.approx(0.0)  # collapsed, figure 3
    assert kept([range(3)], real, levels(105, 110, 115)).film == pytest.approx(0.5)  # half as far, elsewhere
    assert kept([range(3)], real, levels(30, 20, 10)).film == pytest.approx(-1.0)  # backwards
    # 20 of 200 from a shot that moves 10 either way, none of 20000 from one that moves 100.
    two = levels(10, 20, 30, 0, 100, 200), levels(19, 20, 21, 0, 0, 0)
    assert kept([range(3), range(3, 6)], *two).film == pytest.approx(20 / 20200)


def test_a_cut_is_no_motion():
    real, flat = levels(10, 10, 200, 200), levels(50, 50, 50, 50)
    assert math.isnan(kept([range(2), range(2, 4)], real, flat).film)
    assert kept([range(4)], real, flat).film == pytest.approx(0.0)


def test_where_nothing_moves_what_rounding_leaves_is_no_motion():
    """Of so many bright frames the sums are beyond the integers that a float64 can hold."""
    still = np.random.default_rng(0).integers(200, 256, (64, 64, 3), dtype=np.uint8)
    frames = np.broadcast_to(still, (3763, *still.shape))
    motion = Motion([range(len(frames))])
    motion.add(frames, frames)
    assert math.isnan(motion.film)


def test_quiet_motion_counts_the_quietest_tenth_of_the_long_shots_that_move():
    shots, real, answer = [], [], []
    for step in (0, 1, *range(10, 29)):  # one perfectly still, then 20 that move more and more
        shots.append(range(len(real), len(real) + 24))
        real += [100, 100 + step] * 12
        # Of the two quietest, one is kept whole and the other not at all; of the rest the double is kept.
        answer += [100, 100 + {0: 50, 1: 1, 10: 0}.get(step, 2 * step)] * 12
    shots.append(range(len(real), len(real) + 23))  # quieter than most, but too short
    real, answer = [*real, *[7, 9] * 11, 7], [*answer, *[7] * 23]
    motion = kept(shots, levels(*real), levels(*answer))
    assert motion.quiet == pytest.approx(1 / (1 + 100), rel=1e-4)


def test_without_a_long_shot_no_quiet_motion():
    assert math.isnan(kept([range(3)], levels(1, 2, 3), levels(1, 2, 3)).quiet)
