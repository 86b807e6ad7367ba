"""Words on the pictures stand where they belong, and only there."""

import matplotlib
import numpy as np
import pytest
from films import film_writer

from autoencode.errors import UserError
from autoencode.film import titles as titles_module
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.titles import draw


def bright(path, size):
    """Where a film's last picture is not black: (rows, columns) of the pixels."""
    (*_, last) = read_frames(probe(path), size)
    return np.nonzero(last.pixels.max(-1) > 60)


@pytest.mark.parametrize(
    ("layout", "size", "empty", "filled"),
    [
        ("side_by_side", (384, 128), (0, 192), (192, 384)),
        ("split", (192, 128), (0, 96), (96, 192)),
    ],
)
def test_each_title_stands_at_the_foot_of_its_panel(tmp_path, layout, size, empty, filled):
    for titles, (left, right) in ((("source", ""), empty), (("", "memory"), filled)):
        black = np.zeros((64, 96, 3), np.uint8)
        with film_writer(tmp_path / "a.mp4", height=128, layout=layout, titles=titles) as film:
            for _ in range(3):
                film.write(black, np.zeros((128, 192, 3), np.uint8))
        rows, columns = bright(tmp_path / "a.mp4", size)
        assert len(rows) > 50
        assert rows.min() > 100
        assert left <= columns.min() < columns.max() < right


def test_the_lower_panel_has_its_own(tmp_path):
    letters = draw(("", "memory"), (192, 128), "stacked")[..., 3]
    assert letters.shape == (256, 192)
    assert letters[:228].max() == 0 < letters[228:].max()


@pytest.mark.parametrize(
    ("layout", "titles", "said"),
    [
        ("single", ("one", "two"), "takes one title"),
        ("split", ("one",), "two titles with |"),
        ("single", ("word " * 30,), "too long"),
        ("split", ("source", "half of it taken"), "too long"),
        ("side_by_side", ("Film", "日本"), "--titles=Film|日本: no font here"),
        ("single", ("Солярис",), "no font here has all its letters"),
        ("single", ("größer",), "no font here has all its letters"),
        ("single", ("two\nlines",), "one line"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_made(tmp_path, monkeypatch, layout, titles, said):
    monkeypatch.setattr(titles_module, "FONTS", (None, "of no machine.ttf"))
    with pytest.raises(UserError) as refused:
        film_writer(tmp_path / "a.mp4", layout=layout, titles=titles, size=(96, 64))
    assert said in str(refused.value)


def test_letters_are_drawn_that_pillows_own_font_has_not(monkeypatch):
    """Matplotlib brings DejaVu Sans along."""
    monkeypatch.setattr(
        titles_module, "FONTS", (None, f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    )
    drawn = [draw((letter,), (192, 128), "single")[..., 3] for letter in "aäßЖ"]
    assert len({picture.tobytes() for picture in drawn}) == 4
