"""Transparent pictures are shown over black, and that is said."""

import numpy as np
import pytest
from films import ffmpeg_run

from autoencode.film.decode import read_frames
from autoencode.film.reading import Reading, describe, open_film

CODECS = {
    "prores.mov": "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le",
    "vp9.webm": "-c:v libvpx-vp9 -crf 10 -pix_fmt yuva420p",
    "vp8.webm": "-c:v libvpx -crf 4 -b:v 4M -auto-alt-ref 0 -pix_fmt yuva420p",
    "png.mov": "-c:v png -pix_fmt rgba",
    "qtrle.mov": "-c:v qtrle",
    "gif.gif": "-vf split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none",
}
GREY, GREEN = (200, 200, 200), (0, 255, 0)


def shown(path, alphas, how, hidden=GREEN):
    """The first frame of a film in three thirds, grey but for the last, each of so much alpha."""
    pixels = np.zeros((64, 96, 4), np.uint8)
    pixels[..., :3] = np.repeat([GREY, GREY, hidden], 32, axis=0)
    pixels[..., 3] = np.repeat(alphas, 32)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", "96x64", "-r", "24", "-i", "pipe:0"]
    ffmpeg_run(*raw, *how.split(), path, stdin=pixels.tobytes() * 6)
    film, timeline = open_film(path, Reading(crop="none"))
    frames = list(read_frames(film, (96, 64), timeline=timeline))
    assert len(frames) == 6
    return frames[0].pixels[:, 16::32].mean(0), describe(film)


@pytest.mark.parametrize("name", CODECS)
def test_transparent_pixels_are_black_and_not_what_they_hide(tmp_path, name):
    half = 255 if name == "gif.gif" else 128  # of GIF's colours one is transparent
    thirds, said = shown(tmp_path / name, [255, half, 0], CODECS[name])
    np.testing.assert_allclose(thirds, [GREY, [200 * half / 255] * 3, [0] * 3], atol=3)
    assert said == "transparent parts are shown over black"


@pytest.mark.parametrize("name", ["prores.mov", "png.mov"])
def test_an_alpha_channel_that_is_opaque_changes_nothing(tmp_path, name):
    red = (180, 40, 20)
    opaque, _ = shown(tmp_path / name, [255] * 3, CODECS[name], red)
    without = CODECS[name].replace("yuva", "yuv").replace("rgba", "rgb24")
    plain, said = shown(tmp_path / f"without_{name}", [255] * 3, without, red)
    np.testing.assert_allclose(opaque, plain, atol=2)
    assert said == ""


def test_a_fourth_byte_that_nobody_filled_hides_nothing(tmp_path):
    """As screen recorders leave it in an AVI without compression."""
    thirds, said = shown(tmp_path / "film.avi", [0] * 3, "-c:v rawvideo -pix_fmt bgra", GREY)
    np.testing.assert_allclose(thirds, [GREY] * 3, atol=2)
    assert said == ""
