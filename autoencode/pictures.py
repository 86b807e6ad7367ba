"""Frames side by side in one picture."""

import imageio.v3 as iio
import numpy as np


def grid(frames: np.ndarray, columns: int) -> np.ndarray:
    """Frames in rows of `columns`, the last row filled up with black.

    Args:
        frames: (n, height, width, 3) uint8.
        columns: frames in a row.

    Returns:
        (rows·height, columns·width, 3) uint8.
    """
    count, height, width, channels = frames.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, height, width, channels), np.uint8)
    filled[:count] = frames
    shape = (rows, columns, height, width, channels)
    return filled.reshape(shape).transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def pairs(above: np.ndarray, below: np.ndarray, columns: int) -> np.ndarray:
    """As `grid`, each frame of `above` over its counterpart of `below`."""
    return grid(np.concatenate([above, below], axis=1), columns)


def png(picture: np.ndarray) -> bytes:
    """A (height, width, 3) uint8 picture as a PNG file's bytes.

    In memory: imageio's own writing complains once more, past all handlers, when a disk is full.
    """
    return iio.imwrite("<bytes>", picture, extension=".png")
