import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from autoencode.metrics import psnr, ssim


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
