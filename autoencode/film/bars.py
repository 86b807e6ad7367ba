"""The black bars around a film's picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autoencode.film.probe import Crop, FilmInfo
from autoencode.film.samples import Sample, look
from autoencode.film.timeline import Timeline

MOMENTS, APART = 24, 25.0
"""Places of a film that are looked at, at the least, and seconds between them, at the most: one dark scene is
not all of them, and some films change their shape."""

SMOOTH, SEGMENTS = 4, 64
"""Of a line of pixels the mean of so many neighbours counts, and the brightest of those in each of so many
segments: noise is levelled, and a small light is not."""

BLACK = (12.0, 24.0)
"""Of 255, the brightest that a bar may be: if its outermost lines are clean, and if they are noisy."""

FLAT = 2.0
"""Of 255, the standard deviation of the means of a bar's segments, at most: shadows vary more."""

LIT = 0.5
"""The share of a line's segments that are not black, where it is one of the picture."""

OFTEN = 0.1
"""The share of moments at which the picture begins right where a bar ends."""

SOFT, RINGING = 2, 8
"""Lines by which the edge of a picture may move, and into which its compression may reach."""

NARROWEST, FEWEST, LEAST_PICTURE = 0.02, 4, 0.4
"""Bars of less than that share of a side, or so many pixels, are left; where less than that share of picture
would remain, the film is dark, and has no bars."""

UNLIKE = 1 / 3
"""The share of the larger of two bars by which the other may be smaller."""

CORNER, PERSISTENT = 0.25, 0.75
"""A logo stands within that share of a bar's length from its end, at that share of the moments or more."""

UNTITLED, MARGIN = 0.25, 1 / 16
"""There are no subtitles at that share of the moments or more, and never in that share of the line's ends."""


class _Lines(NamedTuple):
    """Rows or columns of pictures, in segments. Both (moments, lines, segments)."""

    brightest: np.ndarray
    mean: np.ndarray


def find_bars(film: FilmInfo, timeline: Timeline) -> Crop | None:
    """The picture without the bars around it; None: there are none, or it is in doubt.

    Bars are black and flat at every one of evenly spread moments, they lie on two sides and are about equal,
    and between them the picture begins along the whole of a straight line. Subtitles may stand in the lower
    one, and a logo in a corner.
    """
    seen = look(film, timeline, max(MOMENTS, round(timeline.duration / APART)), _rows_and_columns)
    if not seen:
        return None
    rows, columns = (_Lines(*map(np.stack, zip(*lines, strict=True))) for lines in zip(*seen, strict=True))
    top, bottom = _picture(rows, subtitles=True)
    left, right = _picture(columns, subtitles=False)
    crop = Crop(right - left, bottom - top, left, top)
    return None if crop == Crop(film.width, film.height, 0, 0) else crop


def _rows_and_columns(sample: Sample) -> tuple[_Lines, _Lines]:
    luma = sample.luma[0]
    return _in_segments(luma), _in_segments(luma.T)


def _in_segments(luma: np.ndarray) -> _Lines:
    length = luma.shape[1] // SMOOTH
    if not length:  # narrower than what is smoothed
        return _Lines(luma, luma)
    smooth = luma[:, : length * SMOOTH].reshape(-1, length, SMOOTH).mean(axis=2, dtype=np.float32)
    begins = np.linspace(0, length, min(SEGMENTS, length), endpoint=False).astype(int)
    sizes = np.diff([*begins, length])
    return _Lines(np.maximum.reduceat(smooth, begins, 1), np.add.reduceat(smooth, begins, 1) / sizes)


def _picture(lines: _Lines, subtitles: bool) -> tuple[int, int]:
    """The first line of the picture, and the first behind it, along an axis of which `lines` are all."""
    moments, count, _ = lines.brightest.shape
    outermost = float(lines.brightest[:, [0, 1, -2, -1]].max()) if count > 1 else np.inf
    spots = lines.brightest > np.clip(3 * outermost, *BLACK)
    lit = spots.mean(axis=2) >= LIT
    shown = lit.any(axis=1)
    none = (0, count)
    if not shown.any():
        return none
    firsts = np.argmax(lit, axis=1)[shown]
    ends = count - np.argmax(lit[:, ::-1], axis=1)[shown]
    first = int(firsts.min())
    # Long subtitles light a line of the lower bar too, but they are no picture that is as high as the upper.
    unlike = max(FEWEST, UNLIKE * first) if subtitles else 0
    end = int(ends[ends <= count - first + unlike].max(initial=0)) if subtitles else int(ends.max())
    bars = (first, count - end)
    least = max(FEWEST, NARROWEST * count)
    if min(bars) < FEWEST or sum(bars) < least or end - first < LEAST_PICTURE * count:
        return none
    if max(bars) - min(bars) > max(FEWEST, UNLIKE * max(bars)):
        return none
    straight = min((firsts <= first + SOFT).sum(), (np.abs(ends - end) <= SOFT).sum())
    if straight < OFTEN * moments:
        return none
    upper, lower = (
        slice(0, max(first // 2, first - RINGING)),
        slice(min(end + bars[1] // 2, end + RINGING), count),
    )
    for bar, titled in ((upper, False), (lower, subtitles)):
        if not _is_bar(spots[:, bar].any(axis=1), lines.mean[:, bar].mean(axis=1), titled):
            return none
    return first + first % 2, end - end % 2  # colours have half the lines


def _is_bar(spots: np.ndarray, means: np.ndarray, subtitles: bool) -> bool:
    """Whether what lies beside the picture is a bar.

    Args:
      spots: bool (moments, segments), where it is not black.
      means: (moments, segments), how bright it is.
      subtitles: whether there may be some.
    """
    if means[~spots].std() > FLAT:
        return False
    length = spots.shape[1]
    corner, margin = round(CORNER * length), max(1, round(MARGIN * length))
    rest = spots.copy()
    for end in (slice(0, corner), slice(length - corner, length)):
        if spots[:, end].any(axis=1).mean() >= PERSISTENT:
            rest[:, end] = False
    clear = ~rest.any(axis=1)
    if not subtitles:
        return bool(clear.all())
    return clear.mean() >= UNTITLED and not rest[:, :margin].any() and not rest[:, length - margin :].any()
