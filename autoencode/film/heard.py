"""What is there of a track of sound, and what is missing, packet by packet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autoencode.film.packets import Packet

SILENCE = 0.2
"""Seconds between two packets of a track from which something is missing."""


@dataclass
class Sound:
    """A track, as far as it was read; seconds."""

    least: float = SILENCE  # between two packets, to be a gap
    end: float = -np.inf  # where it ends
    gaps: list[tuple[float, float]] = field(default_factory=list)  # from when to when nothing is there
    edited: bool = False  # an edit list shows pieces of it
    left_out: bool = False  # the last packets were, by an edit list

    def add(self, packet: Packet, time: float) -> None:
        """Takes the next packet, which is heard at `time`."""
        if packet.discarded:
            self.left_out = self.end > -np.inf  # some come first, to be decoded and not heard
            return
        if time > self.end + self.least and self.end > -np.inf:
            self.gaps.append((self.end, time))
        self.edited |= self.left_out
        self.end = time + packet.lasts

    def lack(self, seconds: float) -> None:
        """Takes how much is missing at its end."""
        if seconds > 0:
            self.gaps.append((self.end, self.end + seconds))
