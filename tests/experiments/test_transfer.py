"""The figures of other films through a memory, on pictures made for them."""

import importlib.util

import numpy as np
import pytest
from commands import ROOT

spec = importlib.util.spec_from_file_location("transfer", ROOT / "experiments/benchmarks/transfer.py")
transfer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(transfer)

SHAPE = (4, 32, 48)


def painted(*colour):
    return np.broadcast_to(np.uint8(colour), (*SHAPE, 3))


def coloured(luminance):
    return np.broadcast_to(np.asarray(luminance, np.uint8)[..., None], (*SHAPE, 3))


def ramp():
    return np.broadcast_to(np.linspace(40, 200, 48), SHAPE)


def test_structure_is_that_of_light_and_dark():
    assert transfer.structure(coloured(ramp()), coloured(ramp() / 2 + 20)) == pytest.approx(1, abs=0.001)
    assert transfer.structure(coloured(ramp()), coloured(240 - ramp())) == pytest.approx(-1, abs=0.001)
    assert np.isnan(transfer.structure(painted(90, 90, 90), coloured(ramp())))  # nothing to keep


def test_palette_is_the_distance_of_colours_of_the_same_luminance():
    blue = painted(128, 121, 163)  # luminance 128, Cb 20, Cr 0
    # Along 8 directions 20 levels are, in the mean, 20 · 0.628.
    assert transfer.palette(painted(128, 128, 128), blue) == pytest.approx(12.6, abs=0.2)
    assert transfer.palette(blue, blue) == 0
    both = np.concatenate([painted(128, 128, 128), painted(30, 30, 60)])
    assert transfer.palette(both, painted(128, 128, 128)) == pytest.approx(0, abs=0.1)


def test_texture_tells_the_directions_of_lines():
    draws = np.random.default_rng(0).uniform(60, 180, (2, 200, 32, 1)).repeat(48, axis=3)
    rows, others = (np.uint8(drawn)[..., None].repeat(3, axis=3) for drawn in draws)
    assert transfer.texture(rows, others) < 6
    assert transfer.texture(rows, rows.transpose(0, 2, 1, 3)) > 20


def test_grain_is_what_neighbours_do_not_share():
    y, x = np.mgrid[:32, :48]
    board = np.broadcast_to(128 + 9 * (-1.0) ** (x + y), SHAPE)
    luminance, chroma = transfer.grain(coloured(board))
    assert luminance == pytest.approx(8, abs=0.3)  # nine tenths of 9, and a little less at the edges
    assert chroma == pytest.approx(0, abs=1e-3)
    assert transfer.grain(painted(200, 100, 50))[0] == pytest.approx(0, abs=1e-3)


def test_saturation():
    assert transfer.saturation(painted(200, 100, 50)) == 150


def test_flicker_is_change_within_shots():
    source = coloured(np.float64([100, 110, 200, 210])[:, None, None] * np.ones(SHAPE))
    output = coloured(np.float64([100, 105, 50, 55])[:, None, None] * np.ones(SHAPE))
    assert transfer.flicker(source, output, [range(2), range(2, 4)]) == pytest.approx(0.5)


def test_colour_from_grey():
    own = painted(200, 100, 50)
    seen = transfer.from_grey(own, lambda frames: frames)
    assert (seen["colour_from_grey"], seen["own_psnr"]) == (0, 60)
    assert seen["psnr_from_grey"] < 20
    assert transfer.from_grey(own, lambda frames: own[: len(frames)])["colour_from_grey"] == 1
