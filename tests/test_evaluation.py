"""The figures of a film against what is remembered of it."""

import numpy as np
import pytest
from films import make_film

from autoencode.evaluation import BATCH, evaluate, film_footage
from autoencode.film.reading import open_film

COUNT, SIZE = BATCH + 16, (96, 64)


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    """A bright square that moves over a slope, one shot, longer than a batch."""
    pictures = np.zeros((COUNT, 64, 96, 3), np.uint8)
    pictures += np.linspace(30, 120, 96).astype(np.uint8)[:, None]
    for number, picture in enumerate(pictures):
        picture[20:44, number : number + 24] = 230
    path = make_film(tmp_path_factory.mktemp("film") / "film.mkv", frames=pictures, rate=24)
    return film_footage(*open_film(path), SIZE)


def late(frames: int):
    """A memory of what was so many frames ago."""
    seen = []

    def reconstruct(pixels):
        seen.extend(pixels)
        first = len(seen) - len(pixels)
        return np.stack([seen[max(0, first + place - frames)] for place in range(len(pixels))])

    return reconstruct


def test_a_perfect_memory(footage):
    perfect = evaluate(late(0), footage)
    assert len(perfect.times) == COUNT
    assert perfect.times[-1] - perfect.times[0] == pytest.approx((COUNT - 1) / 24, abs=0.01)
    assert perfect.psnr.min() == 60
    assert perfect.ssim.min() == pytest.approx(1)
    assert perfect.motion == pytest.approx(1)
    assert perfect.vmaf > 95


def test_frames_that_come_late_count_as_other_frames(footage):
    """Or else one that slips at the end of a batch would go unseen."""
    perfect, behind = evaluate(late(0), footage), evaluate(late(3), footage)
    assert behind.psnr[0] == 60  # the first are their own
    assert behind.psnr[3:].max() < 25
    assert behind.ssim[3:].max() < 0.98
    assert behind.vmaf < perfect.vmaf - 10
    assert behind.worst(3) == sorted(behind.worst(3), key=lambda frame: behind.psnr[frame])


def test_one_picture_for_all_frames_keeps_no_movement(footage):
    frozen = evaluate(lambda pixels: np.full_like(pixels, 100), footage, with_vmaf=False)
    assert frozen.motion == 0
    assert np.isnan(frozen.vmaf)
