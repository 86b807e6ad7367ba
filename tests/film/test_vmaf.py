import numpy as np
import pytest

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.vmaf import Vmaf, vmaf_size


def film(frames=12, size=(96, 64)):
    """A texture with edges, drifting one pixel a frame."""
    draws = np.random.default_rng(0)
    rows = draws.integers(0, 256, (size[1] // 4, (size[0] + frames) // 4 + 1, 3), dtype=np.uint8)
    wide = rows.repeat(4, 0).repeat(4, 1)
    return [np.ascontiguousarray(wide[:, i : i + size[0]]) for i in range(frames)]


def score(pictures, sources):
    with Vmaf((96, 64), (96, 64)) as vmaf:
        for picture, source in zip(pictures, sources, strict=True):
            vmaf.add(picture, source)
    return vmaf.score


def test_a_film_is_like_itself_and_less_like_its_blurred_self():
    sources = film()
    blurred = [(f // 3 + np.roll(f, 1, 1) // 3 + np.roll(f, -1, 1) // 3).astype(np.uint8) for f in sources]
    assert score(sources, sources) > 95
    assert score(blurred, sources) < 80


def test_each_picture_is_compared_with_its_own():
    sources = film()
    assert score(sources[1:] + sources[:1], sources) < 60


def test_the_source_may_have_another_size():
    small = film()
    with Vmaf((96, 64), (192, 128)) as vmaf:
        for picture in small:
            vmaf.add(picture, picture.repeat(2, 0).repeat(2, 1))
    assert 50 < vmaf.score < 100


def test_both_are_brought_to_640_columns():
    assert vmaf_size((256, 144)) == (640, 360)
    assert vmaf_size((96, 64)) == (640, 426)


def test_an_ffmpeg_without_vmaf_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(ffmpeg, "binary", lambda: "false")
    with pytest.raises(UserError, match="--novmaf"):
        score(film(), film())
