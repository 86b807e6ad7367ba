"""The size of a frame: which can be trained, and how it is written."""

from autoencode.errors import UserError

SIZE_STEP = 16
"""Width and height of a frame must be multiples of this: four layers each halve them."""

LARGEST_SIDE = 8192
"""Pixels of a frame's side; filters and networks end somewhere beyond."""


def parse_size(text: str) -> tuple[int, int]:
    """'256x144' → (256, 144): width and height in pixels.

    Raises:
        UserError: it is not of that form, or a side is not a positive multiple of 16.
    """
    width, x, height = text.lower().partition("x")
    if not (x and width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise UserError(f"--size={text}: write width x height, as in --size=256x144")
    size = (int(width), int(height))
    check_size(size)
    return size


def check_size(size: tuple[int, int]) -> None:
    """Raises `UserError` unless both sides are positive multiples of 16, and of a picture's size."""
    if max(size) > LARGEST_SIDE:
        raise UserError(f"--size={format_size(size)}: a side may have up to {LARGEST_SIDE:,} pixels")
    if any(side < SIZE_STEP or side % SIZE_STEP for side in size):
        raise UserError(
            f"--size={format_size(size)}: both sides must be multiples of {SIZE_STEP}, as in --size=256x144"
        )


def format_size(size: tuple[int, int]) -> str:
    """(256, 144) → '256x144'."""
    return f"{size[0]}x{size[1]}"
