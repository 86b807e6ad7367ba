"""Whether a film is interlaced."""

from __future__ import annotations

from collections import Counter

import numpy as np

from autoencode.film.probe import FilmInfo
from autoencode.film.samples import look
from autoencode.film.timeline import Timeline

FIELDLESS = {"gif", "apng"}
"""Containers of progressive pictures alone."""

MOMENTS = 16
"""Places of a film that are looked at."""

MOVES = 12
"""Of 255, by which a pixel differs from picture to picture where something moves."""

LEAST_MOTION = 0.002
"""The share of the pixels that must do so, if a sample is to tell anything."""

NEAR, FAR = 1.3, 1.4
"""How rough two fields are together: at the most, over the two of one picture, if they are no further apart
in time; and at the least, over those, if they are three times as far."""

DIFFERENT = 1.15
"""Likewise, at the least, where both fields of a picture are of one moment, and others are not."""

FEWEST, CLEAR = 3, 4
"""Where nothing else says that a film is interlaced, at least so many samples must, and so many times those
that say something else."""


def is_interlaced(film: FilmInfo, timeline: Timeline) -> bool:
    """Whether each picture consists of two fields of two moments; in doubt it does not.

    The samples in which something moves are counted. Encoders that were told nothing flag interlaced pictures
    as progressive: then the evidence must be clear. Else more must be interlaced than not.
    """
    if film.container in FIELDLESS:
        return False
    samples = look(
        *(film, timeline, MOMENTS, lambda sample: (_order(sample.luma), sample.interlaced)),
        pictures=3,
        as_coded=True,
    )
    kinds = Counter(kind for kind, _ in samples)
    found, opposed = max(kinds["top"], kinds["bottom"]), min(kinds["top"], kinds["bottom"])
    others = kinds["progressive"] + opposed
    if sum(flagged for _, flagged in samples) > len(samples) / 2:
        return found > others
    return found >= FEWEST and found >= CLEAR * others


def _order(luma: np.ndarray) -> str | None:
    """Which of its fields a picture shows first, `top` or `bottom`; `progressive`: both at once.

    The rows of two fields of one moment lie smoothly between each other, those of two moments the less the
    more time is between them. Where the top field is shown first, the bottom field of the picture before is
    as near to it in time as its own, and that of the picture after three times as far.

    Args:
      luma: uint8 (3, height, width): a picture between its neighbours.

    Returns:
      None: it cannot be told.
    """
    if len(luma) < 3 or luma.shape[1] < 4:
        return None
    before, now, after = luma.astype(np.int16)
    moving = (np.abs(now - before) > MOVES) | (np.abs(after - now) > MOVES)
    if moving.mean() < LEAST_MOTION:
        return None
    inner = moving[1:-1]

    def roughness(top: np.ndarray, bottom: np.ndarray) -> float:
        rows = top.copy()
        rows[1::2] = bottom[1::2]
        return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:])[inner].mean())

    own = roughness(now, now) + 0.5  # where all is smooth, rounding is no evidence
    top_first = (roughness(now, before), roughness(after, now))
    bottom_first = (roughness(now, after), roughness(before, now))
    for order, near, far in (("top", top_first, bottom_first), ("bottom", bottom_first, top_first)):
        if sum(near) <= 2 * NEAR * own and sum(far) >= FAR * sum(near):
            return order
    return "progressive" if min(top_first + bottom_first) > DIFFERENT * own else None
