"""When each picture of a film is shown, and how to show them at an even pace."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.damage import Damage
from autoencode.film.probe import FilmInfo

MARGIN = 4
"""Pictures that are decoded before the first that is needed: more than a healthy film may lose."""


EVEN, MOST_GAPS = 0.95, 10
"""The share of steps that make a pace, and how many of the steps that are too long are named."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """The presentation times of a film's pictures, or of an excerpt's."""

    times: np.ndarray  # float64 (pictures,), sorted, seconds since the file's start
    rate: Fraction  # frames per second of the even pace
    constant: bool  # every picture already stands on that pace, within half a frame
    duration: float  # seconds from the first picture's start to the last one's end
    every: int = 1  # of so many of the film's pictures, the first
    skipped: int = 0  # pictures of the film before the first
    guessed: bool = False  # not all pictures say when they are shown: they come in this order, at this pace
    damage: Damage = field(default_factory=lambda: Damage(Path()))  # what was and will be found of it

    @property
    def count(self) -> int:
        """Coded pictures, of those that are taken."""
        return len(self.times)

    @property
    def frames_out(self) -> int:
        """Frames that `at_constant_rate` yields."""
        return self.count if self.constant else max(1, round(self.duration * self.rate))

    @property
    def repeated(self) -> int:
        """Frames that show the same picture as the one before."""
        return self.frames_out - self._shown

    @property
    def dropped(self) -> int:
        """Pictures that no frame shows."""
        return self.count - self._shown

    @property
    def _shown(self) -> int:
        """How many of the pictures are shown at all."""
        slots = float(self.times[0]) + (np.arange(self.frames_out) + 0.5) / float(self.rate)
        return len(np.unique(np.searchsorted(self.times, slots, side="right")))

    def picture_at(self, slot: int) -> int:
        """Which of the pictures a frame of the even pace shows."""
        return max(0, int(np.searchsorted(self.times, _middle(self, slot), side="right")) - 1)

    def from_slot(self, slot: int) -> Timeline:
        """The pictures that are needed from a frame of the even pace on.

        With a few before it, for should the first of them be lost in decoding, the one before it stays.
        """
        first = max(0, self.picture_at(slot) - MARGIN)
        return replace(self, times=self.times[first:], skipped=self.skipped + first * self.every)


def scan(
    film: FilmInfo,
    start: float = 0.0,
    duration: float | None = None,
    every: int = 1,
    allow_damaged: bool = False,
) -> Timeline:
    """Reads the timestamps of every picture without decoding any: 0.3 s for 50 MB.

    The whole file is always read, so that a break is found whatever the excerpt.

    Args:
      film: the film, as probed.
      start: seconds since the file's start; pictures before it are left out.
      duration: seconds; pictures from start + duration on are left out. None: to the end.
      every: of so many pictures the first is taken; the pace is that much slower.
      allow_damaged: what is broken is noted in the timeline's `damage`, and stops nobody.

    Raises:
      UserError: the file breaks off before the end its header announces, pictures are missing between
        others, or no picture lies in the range.
    """
    packets, damage = _read_packets(film), Damage(film.path, allow_damaged)
    if not len(packets.times):
        raise UserError(f"{film.path}: holds no readable picture; copy the film again")
    rate, constant = pace(packets.times, film.rate)
    # Muxers that do not know the last picture's length write nothing or a millisecond.
    last = 0.0 if constant else packets.last_duration
    ends = float(packets.times[-1]) + max(last, 1 / float(rate))
    _find_gaps(packets, rate, damage)
    _find_end(film, packets, ends, damage)
    if packets.complaint and not damage.notes:
        damage.note(f"is damaged ({packets.complaint}), but no picture is missing that is known of")
    excerpt = _excerpt(film, packets.times, rate, constant, ends, start, duration)
    return replace(
        excerpt,
        times=excerpt.times[::every],
        rate=excerpt.rate / every,
        every=every,
        guessed=packets.guessed,
        damage=damage,
    )


class _Timed(Protocol):
    @property
    def time(self) -> float: ...


T = TypeVar("T", bound=_Timed)


def at_constant_rate(frames: Iterable[T], timeline: Timeline, first: int = 0) -> Iterator[T]:
    """Resequences `frames` (anything with a `.time` in seconds) to exactly `timeline.frames_out` of them.

    Slot k shows the last frame that has begun by the slot's middle, (k + ½) / rate after the first picture.
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
            while slot < timeline.frames_out and _middle(timeline, slot) < frame.time:
                yield shown
                slot += 1
        shown = frame
    if shown is not None:
        for _ in range(slot, timeline.frames_out):
            yield shown


def _middle(timeline: Timeline, slot: int) -> float:
    return float(timeline.times[0]) + (slot + 0.5) / float(timeline.rate)


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
    candidates = [nominal, Fraction(whole), Fraction(whole * 1000, 1001)]
    candidates.append(Fraction(mean).limit_denominator(1001))
    # Matroska rounds to a millisecond, so two are exact; half a frame is the most that resequencing mends.
    for slack in (0.002, np.inf):
        for rate in candidates:
            if rate > 0 and _spread(times, rate) < min(slack, 0.45 / rate):
                return rate, True
    return _usual_pace(times, nominal), False


def clock(seconds: float) -> str:
    """A time as a player shows it: 0:31.2, 1:02:03.4."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{tenths // 10:02}.{tenths % 10}"


def _spread(times: np.ndarray, rate: Fraction) -> float:
    """How far, in seconds, the times wander about an even pace: the largest distance between two errors."""
    errors = times - np.arange(len(times)) / float(rate)
    return float(np.ptp(errors))


def _usual_pace(times: np.ndarray, nominal: Fraction) -> Fraction:
    """A variable film's rate: that of its median gap, so that pauses do not thin out the movement."""
    usual = min(1 / float(np.median(np.diff(times)).clip(1e-3)), 120.0)
    # Timestamps that tremble or are rounded make the median a little wrong; cameras keep to these.
    for rate in (nominal, *map(Fraction, (24, 25, 30, 48, 50, 60, 90, 100, 120))):
        if abs(rate - usual) <= 0.02 * usual:
            return rate
    return Fraction(usual).limit_denominator(1001)


@dataclass(frozen=True, eq=False)
class _Packets:
    times: np.ndarray  # float64, sorted, seconds: the video's
    last_duration: float  # seconds of the last picture, 0 where unknown
    end: float  # seconds: where the last stream of any kind ends
    cut: bool  # the demuxer ran into the end of the file too early
    complaint: str | None  # what else it said, if anything
    guessed: bool  # some pictures do not say when they are shown


def _read_packets(film: FilmInfo) -> _Packets:
    # Video, sound and subtitles: only where all of them stop is the file's end.
    maps = ["-map", "0:V:0", "-map", "0:a?", "-map", "0:s?"]
    # Without -copyts ffmpeg counts some containers from the first stream mapped, not from the file's start.
    command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "error", "-copyts"]
    command += [*ffmpeg.source(film.path), *maps, "-c", "copy", "-f", "framecrc", "-"]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    bases: dict[str, Fraction] = {}
    pictures: list[tuple[float, float]] = []
    end, guessed = 0.0, False
    for line in ran.stdout.decode(errors="replace").splitlines():
        if line.startswith("#tb "):
            stream, _, base = line[4:].partition(": ")
            bases[stream] = Fraction(base)
        if line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split(",")]
        if len(columns) < 6 or columns[0] not in bases or _is_discarded(columns[6:]):
            continue
        base = float(bases[columns[0]])
        decoding, shown, lasts = (int(column) for column in columns[1:4])
        # AVI and bare streams give some pictures no presentation time (a large negative number).
        timed = shown > -(2**62)
        time = (shown if timed else decoding) * base - film.start_time
        end = max(end, time + lasts * base)
        if columns[0] == "0":
            pictures.append((time, lasts * base))
            guessed |= not timed
    pictures.sort()
    times = np.array([time for time, _ in pictures], dtype=np.float64)
    if guessed and len(times):
        times -= times[0]  # decoding begins before anything is shown
    cut = re.search(rb"ended prematurely|partial file", ran.stderr) is not None
    complaint = ffmpeg.last_words(ran.stderr) if ran.stderr.strip() else None
    return _Packets(times, pictures[-1][1] if pictures else 0.0, end, cut, complaint, guessed)


def _is_discarded(columns: list[str]) -> bool:
    """Whether an edit list cuts the packet away: ffmpeg's discard flag, 4."""
    flags = [int(column[2:], 16) for column in columns if column.startswith("F=")]
    return bool(flags and flags[0] & 4)


def _find_gaps(packets: _Packets, rate: Fraction, damage: Damage) -> None:
    """Where pictures are missing between others: damage if the demuxer complained, else perhaps meant so."""
    times, frame = packets.times, 1 / float(rate)
    steps = np.diff(times)
    even = np.abs(steps - frame) < 0.1 * frame
    if not len(steps) or even.mean() < EVEN:
        return  # no step of a film at a varying rate is one too long
    for before in np.flatnonzero(steps > 1.5 * frame)[:MOST_GAPS]:
        missing = round(steps[before] / frame) - 1
        what = f"{pictures(missing)} after {clock(times[before])} (picture {before + 1:,})"
        if packets.complaint or packets.cut:
            damage.found(f"{what} cannot be read ({packets.complaint})")
        else:
            damage.note(f"{what} are not there; the one before stays")


def pictures(count: int) -> str:
    """How many, in words."""
    return f"{count:,} picture{'s' if count != 1 else ''}"


def _find_end(film: FilmInfo, packets: _Packets, ends: float, damage: Damage) -> None:
    """Whether the film ends where its header says, or a packet does."""
    packet = _packet_size(film.path)
    if packet and film.path.stat().st_size % packet:
        damage.found(f"breaks off at {clock(ends)}, in the middle of a packet")
    if packets.complaint and not packet and film.start_time > 0.1:
        damage.found(f"what comes before {clock(film.start_time)} cannot be read ({packets.complaint})")
    if film.duration is None:
        if packets.cut:
            damage.found(f"breaks off at {clock(ends)}")
        return
    # Some containers count the duration from zero, some from the first timestamp.
    missing = film.duration - max(packets.end, packets.end + film.start_time)
    if missing > (0.1 if packets.cut or packets.complaint else 1.0):
        damage.found(f"breaks off at {clock(ends)} though its header says {clock(film.duration)}")


def _packet_size(path: Path) -> int | None:
    """Bytes of a packet, of an MPEG-TS: a file without a header that knew its length. None: another."""
    with path.open("rb") as file:
        head = file.read(1024)
    for size, offset in ((188, 0), (192, 4)):
        if head[offset : offset + 4 * size + 1 : size] == b"\x47" * 5:
            return size
    return None


def _excerpt(
    film: FilmInfo,
    times: np.ndarray,
    rate: Fraction,
    constant: bool,
    ends: float,
    start: float,
    duration: float | None,
) -> Timeline:
    # A millisecond of grace: a typed 10.01 means the picture at 240 × 1001/24000.
    stop = np.inf if duration is None else start + duration
    first, last = np.searchsorted(times, [start - 1e-3, stop - 1e-3])
    if first >= len(times):
        raise UserError(
            f"{film.path}: ends at {clock(ends)}, so nothing is left from {clock(start)}; start earlier"
        )
    if last <= first:
        raise UserError(
            f"{film.path}: no picture between {clock(start)} and {clock(stop)}; ask for a longer excerpt"
        )
    kept = times[first:last]
    if constant:
        length = len(kept) / float(rate)
    else:
        length = min(times[last] if last < len(times) else ends, stop) - kept[0]
    return Timeline(kept, rate, constant, float(length), skipped=int(first))
