"""Whether a film is interlaced."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autoencode.film.probe import FilmInfo
from autoencode.film.samples import Sample, look
from autoencode.film.timeline import Timeline

FIELDLESS = {"gif", "apng"}
"""Containers of progressive pictures alone."""

MOMENTS = 16
"""Places of a film that are looked at."""

TILE = 16
"""Pixels of a side of the tiles that are judged, each by itself: not everything moves from field to field."""

MOVES, LEAST_MOTION = 5, 0.1
"""Of 255, by which a pixel differs from picture to picture where something moves, and the share of a tile's
pixels that must."""

NEAR, FAR = 1.3, 1.4
"""How rough two fields are together: at the most, over the two of one picture, if they are no further apart
in time; and at the least, over those, if they are three times as far."""

DIFFERENT = 1.15
"""Likewise, at the least, where both fields of a picture are of one moment, and others are not."""

FEWEST, CLEAR = 8, 4
"""How many tiles are evidence, and by how much they must outnumber others for it to be clear."""


class _Tiles(NamedTuple):
    """How many tiles show the top field first, the bottom field first, or both at once."""

    top: int = 0
    bottom: int = 0
    progressive: int = 0


def is_interlaced(film: FilmInfo, timeline: Timeline) -> bool:
    """Whether each picture consists of two fields of two moments; in doubt it does not.

    What its pictures are flagged as holds unless the evidence against it is clear. There must be evidence in
    either case: progressive pictures often travel as two fields, and then stay as they are.
    """
    if film.container in FIELDLESS:
        return False

    def judge(sample: Sample) -> tuple[_Tiles, bool]:
        return _judge(sample.luma), sample.interlaced

    seen = look(film, timeline, MOMENTS, judge, pictures=3, as_coded=True)
    top, bottom, progressive = np.sum([tiles for tiles, _ in seen] or [_Tiles()], axis=0)
    found, opposed = max(top, bottom), min(top, bottom)
    if found < FEWEST or found < CLEAR * opposed:
        return False
    flagged = sum(interlaced for _, interlaced in seen) > len(seen) / 2
    return CLEAR * found > progressive if flagged else found > CLEAR * progressive


def _judge(luma: np.ndarray) -> _Tiles:
    """Judges a picture between its neighbours, uint8 (3, height, width), where something moves.

    The rows of two fields of one moment lie smoothly between each other, those of two moments the less the
    more time is between them. Where the top field is shown first, the bottom field of the picture before is
    as near to it in time as its own, and that of the picture after three times as far.
    """
    if len(luma) < 3:
        return _Tiles()
    before, now, after = luma.astype(np.int16)
    moving = ((np.abs(now - before) > MOVES) | (np.abs(after - now) > MOVES))[1:-1]
    count = _by_tile(moving)
    judged = count >= LEAST_MOTION * TILE**2

    def roughness(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        rows = top.copy()
        rows[1::2] = bottom[1::2]
        return _by_tile(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]) * moving)[judged] / count[judged]

    own = roughness(now, now) + 1.0  # where all is smooth, rounding is no evidence
    top_first = np.stack([roughness(now, before), roughness(after, now)])
    bottom_first = np.stack([roughness(now, after), roughness(before, now)])

    def fit(near: np.ndarray, far: np.ndarray) -> np.ndarray:
        return (near.mean(0) <= NEAR * own) & (far.mean(0) >= FAR * np.maximum(near.mean(0), own))

    top, bottom = fit(top_first, bottom_first), fit(bottom_first, top_first)
    neither = np.minimum(top_first.min(0), bottom_first.min(0)) > DIFFERENT * own
    return _Tiles(int(top.sum()), int(bottom.sum()), int((neither & ~top & ~bottom).sum()))


def _by_tile(values: np.ndarray) -> np.ndarray:
    """Sums over tiles of a picture; what is left over at its right and its foot is left out."""
    down, across = (side // TILE for side in values.shape)
    tiles = values[: down * TILE, : across * TILE].reshape(down, TILE, across, TILE)
    return tiles.sum(axis=(1, 3), dtype=np.float32)
