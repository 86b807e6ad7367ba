"""Two pictures in one raw frame, so that one pipe carries both and they cannot slip apart.

    +----------------+
    |      view      |   the larger picture, for people
    +---------+------+
    |  small  | black|   the model's picture
    +---------+------+

ffmpeg builds or takes apart the stack with pad, vstack and crop; this file does the same to arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Size = tuple[int, int]  # (width, height) in pixels


@dataclass(frozen=True)
class Stack:
    """The raw frame's layout; without a view it is just the small picture."""

    small: Size
    view: Size | None = None

    @property
    def width(self) -> int:
        """Pixels per row of the raw frame."""
        return max(self.small[0], self.view[0] if self.view else 0)

    @property
    def height(self) -> int:
        """Rows of the raw frame."""
        return self.small[1] + (self.view[1] if self.view else 0)

    @property
    def nbytes(self) -> int:
        """Bytes of one raw RGB frame."""
        return self.width * self.height * 3

    def split(self, raw: bytes) -> tuple[np.ndarray, np.ndarray | None]:
        """Raw frame → (small, view or None), uint8 (height, width, 3), read-only, in the same memory."""
        rows = np.frombuffer(raw, np.uint8).reshape(self.height, self.width, 3)
        if self.view is None:
            return rows, None
        width, height = self.view
        return rows[height:, : self.small[0]], rows[:height, :width]

    def join(self, small: np.ndarray, view: np.ndarray | None) -> np.ndarray:
        """(small, view) → contiguous uint8 (height, width, 3) raw frame.

        Raises:
          ValueError: a picture has not the shape or dtype of this layout.
        """
        _check(small, self.small)
        if self.view is None:
            return np.ascontiguousarray(small)
        _check(view, self.view)
        rows = np.zeros((self.height, self.width, 3), np.uint8)
        rows[: self.view[1], : self.view[0]] = view
        rows[self.view[1] :, : self.small[0]] = small
        return rows


def _check(picture: np.ndarray | None, size: Size) -> None:
    shape = (size[1], size[0], 3)
    if picture is None or picture.shape != shape or picture.dtype != np.uint8:
        got = "nothing" if picture is None else f"{picture.dtype} {picture.shape}"
        raise ValueError(f"a frame should be uint8 {shape}, got {got}")
