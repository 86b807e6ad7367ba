"""Timecodes: the hour, minute, second and frame that a camera or an editor gave to a film's first picture."""

from __future__ import annotations

import re
from fractions import Fraction


def later(timecode: str, frames: int, rate: Fraction) -> str | None:
    """A timecode so many frames later.

    Args:
      timecode: '01:00:00:00', or '01:00:00;00' if it drops numbers (SMPTE 12M) to keep up with the clock.
      frames: how many.
      rate: frames per second of the film.

    Returns:
      Likewise, from 0 again after 24 hours; None: a film of this rate cannot have such a timecode.
    """
    found = re.fullmatch(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)", timecode)
    nominal, drops = round(rate), bool(found) and found[4] != ":"
    if not found or nominal < 1 or (drops and (nominal % 30 or rate != Fraction(nominal * 1000, 1001))):
        return None
    hours, minutes, seconds, frame = (int(found[group]) for group in (1, 2, 3, 5))
    minutes += 60 * hours
    # Of each minute the first numbers are left out, but not of each tenth: 2 of 30.
    dropped = nominal // 15 if drops else 0
    count = (60 * minutes + seconds) * nominal + frame - dropped * (minutes - minutes // 10) + frames
    tens, rest = divmod(count, 600 * nominal - 9 * dropped)
    minutes = max(0, rest - dropped) // (60 * nominal - dropped)
    seconds, frame = divmod(count + dropped * (9 * tens + minutes), nominal)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{found[4]}{frame:02}"
