"""Words on a film's pictures: drawn once, laid over every frame."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from autoencode.errors import UserError
from autoencode.film.stack import Size

FONTS = (None, "DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf")
"""Fonts, in the order of their trial: Pillow's own, of little but English, and what machines may have."""

SHARE, SMALLEST = 1 / 18, 12
"""Height of the letters, as a share of the picture's rows and in pixels."""


def draw(titles: tuple[str, ...], size: Size, layout: str) -> np.ndarray:
    """A transparent picture with each title at the foot of its panel.

    Args:
      titles: for the source's panel and the memory's; of the memory alone, one.
      size: (width, height) of the panels, which are all alike.
      layout: one of `format.LAYOUTS`.

    Returns:
      uint8 (height, width, 4) RGBA, of the whole picture: white letters, edged with half-black.

    Raises:
      UserError: a title is wider than its panel, or has letters that no font here has.
    """
    width, height = size
    across, down = {"side_by_side": (2, 1), "stacked": (1, 2)}.get(layout, (1, 1))
    letters = max(SMALLEST, round(height * SHARE))
    margin, edge = letters // 2, max(1, letters // 12)
    picture = Image.new("RGBA", (across * width, down * height))
    pen, font = ImageDraw.Draw(picture), _font("|".join(titles), letters)
    for panel, title in enumerate(titles):
        if pen.textlength(title, font) > (width - 2 * margin) / (len(titles) if layout == "split" else 1):
            raise UserError(f"--titles={title}: too long for a picture {width} pixels wide")
        # Where both share a picture, one stands at its left and the other at its right.
        right = layout == "split" and panel == 1
        column = min(panel, across - 1) * width + (width - margin if right else margin)
        row = min(panel, down - 1) * height + height - margin
        place, anchor = (column, row), "rd" if right else "ld"
        pen.text(place, title, "white", font, anchor, stroke_width=edge, stroke_fill=(0, 0, 0, 128))
    return np.asarray(picture)


def _font(title: str, letters: int) -> ImageFont.FreeTypeFont:
    """The first font that has all of a title's letters."""
    if not title.isprintable():
        raise UserError(f"--titles={title}: a title is one line, of letters")
    for name in FONTS:
        try:
            font = ImageFont.truetype(name, letters) if name else ImageFont.load_default(letters)
        except OSError:  # not on this machine
            continue
        unknown = _drawn(font, "\U0010ffff")
        if not any(_drawn(font, letter) == unknown for letter in title):
            return font
    raise UserError(
        f"--titles={title}: no font here has all its letters; install DejaVu Sans, or write it otherwise"
    )


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)
