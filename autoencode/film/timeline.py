"""The moments at which pictures are shown, and how to show them at an even pace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from autoencode.errors import UserError
from autoencode.film.clocks import Stretch
from autoencode.film.damage import Damage

FORGIVEN = 3
"""Pictures that a healthy film may lose where it was cut out of another: they lean on absent ones."""

MARGIN = FORGIVEN + 1
"""Pictures that are decoded before the first that is needed."""


MIDDLE = 0.54
"""Of a frame, the moment whose picture it shows. Not the half: behind a pause of half a frame all pictures
come then, some by a rounding earlier and some later."""


@dataclass(frozen=True, eq=False)
class Order:
    """The pictures of a whole film, where its decoder does not say truly when they are shown."""

    times: np.ndarray  # float64 (pictures,), sorted, seconds: when they are shown
    stamps: np.ndarray | None = None  # the times that the decoder gives them, if they are known
    steps: bool = False  # if not, whether the steps between those tell where some are missing
    passed_over: int = 0  # pictures at the beginning that it cannot decode, as they lean on absent ones


@dataclass(frozen=True, eq=False)
class Timeline:
    """The presentation times of a film's pictures, or of an excerpt's."""

    times: np.ndarray  # float64 (pictures,), sorted, seconds since the file's start
    rate: Fraction  # frames per second of the even pace
    constant: bool  # every picture already stands on that pace, within half a frame
    duration: float  # seconds from the first picture's start to the last one's end
    every: int = 1  # of so many of the film's pictures, the first
    begins: float | None = None  # seconds; None: with the first picture, and not while it is already shown
    between: np.ndarray | None = None  # the times of all pictures, those that are passed over too
    skipped: int = 0  # pictures of the film before the first
    order: Order | None = None  # None: the decoder's times are these
    edited: bool = False  # an edit list shows pieces of the file
    sound_edited: bool = False  # of its sound at least
    stretches: Mapping[str, Sequence[Stretch]] | None = None  # the file's clock was set anew in between
    damage: Damage = field(default_factory=lambda: Damage(Path()))  # what was and will be found of it

    @property
    def decoded(self) -> np.ndarray:
        """The times of all the pictures that have to be decoded."""
        return self.times if self.between is None else self.between

    @property
    def count(self) -> int:
        """Coded pictures, of those that are taken."""
        return len(self.times)

    @property
    def frames_out(self) -> int:
        """Frames that `at_constant_rate` yields."""
        return self.count if self.constant else max(1, round(self.duration * self.rate))

    @property
    def begin(self) -> float:
        """When the first frame is shown, in seconds since the file's start."""
        return float(self.times[0]) if self.begins is None else self.begins

    @property
    def lost(self) -> int:
        """Pictures that cannot be decoded, as far as is known: the one before stays in their place."""
        return len(self._lost)

    @property
    def repeated(self) -> int:
        """Frames that show the same picture as the one before."""
        return self.frames_out - self._shown

    @property
    def dropped(self) -> int:
        """Pictures that could be decoded and that no frame shows."""
        return self.count - self._shown - self.lost

    def lose(self, first: int, last: int) -> None:
        """Notes that of the pictures to be decoded these, but for the last, cannot be."""
        taken = range(first + -first % self.every, last, self.every)
        self.damage.lost.update(self.skipped + number for number in taken)

    @property
    def _lost(self) -> list[int]:
        """Which of `times`."""
        places = [(number - self.skipped) // self.every for number in self.damage.lost]
        return [place for place in places if 0 <= place < self.count]

    @property
    def _shown(self) -> int:
        """How many of the pictures are shown at all."""
        due = np.searchsorted(self.times, self.middle(np.arange(self.frames_out)), side="right") - 1
        due = np.maximum(due, 0)
        return len(np.setdiff1d(due, self._lost))

    def middle(self, slot: int | np.ndarray) -> float | np.ndarray:
        """The moment that a frame of the even pace shows, in seconds since the file's start."""
        return self.begin + (slot + MIDDLE) / float(self.rate)

    def picture_at(self, slot: int) -> int:
        """Which of the pictures a frame of the even pace shows."""
        return max(0, int(np.searchsorted(self.times, self.middle(slot), side="right")) - 1)

    def part(self, start: float = 0.0, duration: float | None = None, every: int = 1) -> Timeline:
        """An excerpt of a whole film.

        Args:
          start: seconds since the file's start; pictures that are gone by then are left out.
          duration: seconds; pictures from start + duration on are left out. None: to the end.
          every: of so many pictures the first is taken; the pace is that much slower.

        Raises:
          UserError: no picture lies in the range.
        """
        times, ends, path = self.times, self.begin + self.duration, self.damage.path
        # A millisecond of grace: a typed 10.01 means the picture at 240 × 1001/24000.
        stop = np.inf if duration is None else start + duration
        if start - 1e-3 >= (times[-1] if self.constant else ends):
            raise UserError(
                f"{path}: ends at {clock(ends)}, so nothing is left from {clock(start)}; start earlier"
            )
        first, last = np.searchsorted(times, [start - 1e-3, stop - 1e-3])
        begins = None
        if not self.constant and first and (first == len(times) or times[first] > start + 1e-3):
            first, begins = first - 1, start
        if last <= first:
            raise UserError(
                f"{path}: no picture between {clock(start)} and {clock(stop)}; ask for a longer excerpt"
            )
        kept = times[first:last]
        if self.constant:
            length = len(kept) / float(self.rate)
        else:
            begin = kept[0] if begins is None else begins
            length = min(times[last] if last < len(times) else ends, stop) - begin
        return replace(
            self,
            times=kept[::every],
            rate=self.rate / every,
            duration=float(length),
            every=every,
            begins=begins,
            between=kept,
            skipped=self.skipped + int(first),
        )

    def from_slot(self, slot: int, margin: int = MARGIN) -> Timeline:
        """The pictures that are needed from a frame of the even pace on.

        With `margin` more before them: should the first be lost in decoding, the one before it stays.
        """
        first = max(0, self.picture_at(slot) - margin)
        skipped = first * self.every
        return replace(
            self, times=self.times[first:], between=self.decoded[skipped:], skipped=self.skipped + skipped
        )


class _Timed(Protocol):
    @property
    def time(self) -> float: ...


T = TypeVar("T", bound=_Timed)


def at_constant_rate(frames: Iterable[T], timeline: Timeline, first: int = 0) -> Iterator[T]:
    """Resequences `frames` (anything with a `.time` in seconds) to exactly `timeline.frames_out` of them.

    Slot k shows the last frame that has begun by the slot's middle, (k + MIDDLE) / rate after the first.
    Sampling in the middle makes a constant film pass through one for one, however its timestamps were
    rounded; a variable one has frames repeated or dropped. Should the decoder lose a picture, the one
    before it stays for another slot and sound and picture keep together.

    Args:
      frames: all pictures of the timeline, or those of its `from_slot(first)`.
      timeline: their times.
      first: the slot to begin with.
    """
    slot, shown = first, None
    for frame in frames:
        if shown is not None:
            while slot < timeline.frames_out and timeline.middle(slot) < frame.time:
                yield shown
                slot += 1
        shown = frame
    if shown is not None:
        for _ in range(slot, timeline.frames_out):
            yield shown


def pictures(count: int) -> str:
    """How many, in words."""
    return f"{count:,} picture{'s' if count != 1 else ''}"


def clock(seconds: float) -> str:
    """A time as a player shows it: 0:31.2, 1:02:03.4."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{tenths // 10:02}.{tenths % 10}"
