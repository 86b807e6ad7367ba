"""The rate behind timestamps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

WITHIN = 0.45
"""Of a frame, by which pictures may be off an even pace: half of one is nearly what resequencing mends."""

ALIKE, FEW = 0.9, 8
"""The share of gaps that are alike where a pace is even, and how many prove nothing."""

NEAR = 0.15
"""Of the median gap, by which those may be off that are like it: 24 and 30 a second are not."""

_CAMERAS = [Fraction(rate) for rate in (24, 25, 30, 48, 50, 60, 90, 100, 120, 240)]
_CAMERAS += [rate * 1000 / 1001 for rate in _CAMERAS]
"""Rates that they keep to, though their timestamps tremble."""


def pace(times: np.ndarray, nominal: Fraction) -> tuple[Fraction, bool]:
    """The rate behind timestamps: (frames per second, whether all of `times` keep to it).

    Args:
      times: float64 (pictures,), sorted, seconds.
      nominal: the header's rate, believed where the timestamps do not contradict it.
    """
    span = times[-1] - times[0]
    if len(times) < 2 or span <= 0:
        return nominal, True
    mean = (len(times) - 1) / span
    whole = max(1, round(mean))
    known = [rate for rate in (nominal, Fraction(whole), Fraction(whole * 1000, 1001)) if rate > 0]
    measured = [Fraction(mean).limit_denominator(1001)] if mean > 1 / 1001 else []
    # Matroska rounds to a millisecond, so two are exact.
    exact = [rate for rate in known + measured if _spread(times, rate) < min(0.002, WITHIN / rate)]
    if exact:
        return exact[0], True
    for rates in (known, measured):
        rate = min(rates, key=lambda rate: _spread(times, rate), default=None)
        if rate and _spread(times, rate) < WITHIN / rate:
            return rate, True
    return usual_pace(times, nominal), False


def usual_pace(times: np.ndarray, nominal: Fraction) -> Fraction:
    """A variable film's rate: that of its usual gap, so that pauses do not thin out the movement.

    Args:
      times: float64 (pictures,), seconds; some may not be known.
      nominal: the header's rate, for a film in which no gap is known.
    """
    gaps = np.diff(times)
    gaps = gaps[np.isfinite(gaps)].clip(1e-3)
    if not len(gaps):
        return nominal
    pairs = (gaps[1:] + gaps[:-1]) / 2
    # Telecine shows pictures for two fields and for three in turn: their pace is that of two together.
    if len(pairs) > FEW and _alike(gaps) < ALIKE <= _alike(pairs):
        gaps = pairs
    median = _median(gaps)
    # Rounding to milliseconds moves the median, but not the mean of the gaps that are like it.
    usual = min(1 / float(gaps[np.abs(gaps - median) <= NEAR * median].mean()), 240.0)
    # The header's rate may be a mean, pauses and all.
    rate = min([nominal, *_CAMERAS], key=lambda rate: abs(rate - usual))
    if abs(rate - usual) <= 0.02 * usual:
        return rate
    return max(Fraction(usual).limit_denominator(1001), Fraction(1, 1001))


def _median(gaps: np.ndarray) -> float:
    """One of them, and no mean of two."""
    return float(np.percentile(gaps, 50, method="lower"))


def _alike(gaps: np.ndarray) -> float:
    """The share of gaps that are like the median."""
    median = _median(gaps)
    return float((np.abs(gaps - median) < 0.1 * median).mean())


def _spread(times: np.ndarray, rate: Fraction) -> float:
    """How far, in seconds, the times wander about an even pace: the largest distance between two errors."""
    errors = times - np.arange(len(times)) / float(rate)
    return float(np.ptp(errors))
