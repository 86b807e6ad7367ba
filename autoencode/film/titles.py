"""Words on a film's pictures: drawn once, laid over every frame."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from autoencode.errors import UserError
from autoencode.film.stack import Size

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
      UserError: a title is wider than its panel, or not in the letters of Western Europe.
    """
    width, height = size
    across, down = {"side_by_side": (2, 1), "stacked": (1, 2)}.get(layout, (1, 1))
    letters = max(SMALLEST, round(height * SHARE))
    margin, edge = letters // 2, max(1, letters // 12)
    picture = Image.new("RGBA", (across * width, down * height))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(letters)
    for panel, title in enumerate(titles):
        if any(ord(letter) > 0xFF or not letter.isprintable() for letter in title):
            raise UserError(f"--titles={title}: only the letters of Western Europe can be drawn")
        if pen.textlength(title, font) > (width - 2 * margin) / (len(titles) if layout == "split" else 1):
            raise UserError(f"--titles={title}: too long for a picture {width} pixels wide")
        # Where both share a picture, one stands at its left and the other at its right.
        right = layout == "split" and panel == 1
        column = min(panel, across - 1) * width + (width - margin if right else margin)
        row = min(panel, down - 1) * height + height - margin
        place, anchor = (column, row), "rd" if right else "ld"
        pen.text(place, title, "white", font, anchor, stroke_width=edge, stroke_fill=(0, 0, 0, 128))
    return np.asarray(picture)
