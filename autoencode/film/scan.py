"""When each picture of a film is shown, read from its packets, and whether any are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from autoencode.errors import UserError
from autoencode.film.clocks import FORWARD, Stretch
from autoencode.film.damage import Damage
from autoencode.film.folder import Folder
from autoencode.film.header import read_header
from autoencode.film.pace import pace
from autoencode.film.packets import OTHERS, read_packets
from autoencode.film.probe import FilmInfo
from autoencode.film.stamps import Stamps, read_stamps
from autoencode.film.timeline import FORGIVEN, Order, Timeline, clock, pictures
from autoencode.film.transport import packet_size

EVEN, MOST_GAPS = 0.95, 10
"""The share of steps that make a pace, and how many of the steps that are too long are named."""

EARLY = 1.0
"""Seconds before the picture at which sound may end."""


def scan(
    film: FilmInfo,
    start: float = 0.0,
    duration: float | None = None,
    every: int = 1,
    allow_damaged: bool = False,
) -> Timeline:
    """Reads the timestamps of every picture, decoding a few of the first at most: 0.3 s for 50 MB.

    The whole file is always read, so that a break is found whatever the excerpt.

    Args:
      film: the film, as probed.
      start: as in `Timeline.part`.
      duration: likewise.
      every: likewise.
      allow_damaged: what is broken is noted in the timeline's `damage`, and stops nobody.

    Raises:
      DamagedError: the file breaks off before the end its header announces, pictures are missing between
        others, or its clock jumps.
      UserError: it holds no picture, or none lies in the range.
    """
    damage = Damage(film.path, allow_damaged)
    if film.folder:
        _find_missing_files(film.folder, damage)
    if film.are_pictures:
        return _of_pictures(film, damage).part(start, duration, every)
    packets = read_stamps(film)
    if not len(packets.times):
        raise UserError(f"{film.path}: holds no readable picture; copy the film again")
    packets = _one_clock(film, packets, damage)
    rate, constant = pace(packets.times, film.rate)
    last = packets.last_duration
    if len(packets.times) == 1 and last > 0 and abs(last - 1 / rate) > 0.002:  # a header has two decimals
        rate = max(Fraction(1 / last).limit_denominator(1001), Fraction(1, 1001))
    # A last picture that is held is no even pace. Muxers that do not know its length write nothing or a
    # millisecond; some streams call every picture longer than it is.
    constant = constant and last < 1.5 * max(1 / rate, packets.usual_duration)
    ends = float(packets.times[-1]) + max(0.0 if constant else last, 1 / float(rate))
    _find_end(film, packets, rate, ends, damage)  # first, for the first is said where it is an error
    _find_gaps(packets, rate, damage, film.clocked)
    if packets.complaint and packets.absent is None and not damage.notes:
        damage.note(f"is damaged ({packets.complaint}), though its times show no gap")
    if film.announced:
        tracks = f"{film.announced} track{'s' if film.announced > 1 else ''}"
        damage.note(f"announces {tracks} of sound of which nothing is known: left out")
    if film.pictures > 1:
        number = film.picture_place + 1
        damage.note(f"holds {film.pictures} streams of pictures, of which number {number} is taken")
    if packets.outside:
        damage.note(f"{pictures(packets.outside)} at its end lie outside of its edit list, and are left out")
    if len(packets.held):
        packets_of = f"{len(packets.held):,} packet{'s' if len(packets.held) > 1 else ''}"
        damage.note(
            f"has {packets_of} without a picture, as where a recorder dropped one; the one before stays"
        )
    _find_silence(packets, ends, damage)
    length = len(packets.times) / float(rate) if constant else ends - float(packets.times[0])
    whole = Timeline(
        packets.times,
        rate,
        constant,
        length,
        order=_order(packets),
        edited=packets.edited,
        sound_edited=packets.edited or any(track.edited for track in packets.sound),
        stretches=_stretches(film, packets),
        damage=damage,
    )
    return whole.part(start, duration, every)


def _find_missing_files(folder: Folder, damage: Damage) -> None:
    for name, count in folder.missing[:MOST_GAPS]:
        files = f"{name} is" if count == 1 else f"{name}, and {count - 1:,} behind it, are"
        damage.found(f"{files} missing or empty")
    if len(folder.missing) > MOST_GAPS:
        damage.note(f"and so in {len(folder.missing) - MOST_GAPS:,} more places")
    for note in folder.notes:
        damage.note(note)


def _of_pictures(film: FilmInfo, damage: Damage) -> Timeline:
    """By their numbers."""
    places = np.array(film.folder.numbers) - film.folder.numbers[0]
    times, rate = places / float(film.rate), film.rate
    whole = len(places) == places[-1] + 1
    # The decoder counts those that are there.
    order = None if whole else Order(times, np.arange(len(places)) / float(rate))
    return Timeline(times, rate, whole, float((places[-1] + 1) / rate), order=order, damage=damage)


def _one_clock(film: FilmInfo, packets: Stamps, damage: Damage) -> Stamps:
    """With times of a clock that runs on."""
    if packets.edited:
        damage.note("shows pieces of itself, as its edit list has it, at an even pace")
        times = max(0.0, float(packets.times[0])) + np.arange(len(packets.times)) / float(film.rate)
        return replace(packets, times=times, end=np.inf, guessed=True, outside=0, sound=[])
    if packets.recordings is None:
        return packets
    times, begins = packets.recordings.times, packets.recordings.begins
    jump = damage.note if film.folder else damage.found  # of a DVD it is no damage
    for number in begins[:MOST_GAPS]:
        jump(f"its clock jumps near picture {number + 1:,}, after {clock(times[number])} of pictures")
    for number in packets.recordings.strays[:MOST_GAPS]:
        damage.found(f"picture {number + 1:,}, near {clock(times[number])}, has a wrong time")
    if len(begins) > MOST_GAPS:
        damage.note(f"and so near {len(begins) - MOST_GAPS:,} more of its pictures")
    return replace(packets, times=times, end=np.inf, guessed=True, sound=[])


def _stretches(film: FilmInfo, packets: Stamps) -> Mapping[str, Sequence[Stretch]] | None:
    """What a timeline is to know of the other streams."""
    if packets.edited:
        return {}
    if packets.recordings:
        return packets.recordings.stretches
    if packets.late:
        return packets.late
    # In such a container ffmpeg takes a long silence for a clock that was set anew.
    gaps = [end - begin for track in packets.sound for begin, end in track.gaps]
    return {"1": ()} if film.clocked and max(gaps, default=0.0) > FORWARD else None


def _order(packets: Stamps) -> Order | None:
    """What is to be known where the decoder's times are not the film's."""
    if not packets.guessed:
        return None
    if packets.recordings:
        return Order(packets.times, packets.recordings.stamps)
    steps = not (packets.counted or packets.edited or packets.absent is not None)
    return Order(packets.times, steps=steps, passed_over=packets.passed_over)


def _find_gaps(packets: Stamps, rate: Fraction, damage: Damage, clocked: bool) -> None:
    """Where pictures are missing between others: damage if the demuxer complained, else perhaps meant so.

    No step of a film at a varying rate is one too long; if something is wrong with it, nobody can count.
    """
    times, frame = packets.times, 1 / float(rate)
    steps = np.diff(times)
    even = np.abs(steps - frame) < 0.1 * frame
    if not len(steps):
        return
    if even.mean() < EVEN:
        if packets.complaint and not packets.cut:
            longest = int(np.argmax(steps))
            damage.found(
                f"is damaged ({packets.complaint}), and at its varying pace pictures that are gone cannot be"
                f" counted; perhaps in the {steps[longest]:.1f} s after {clock(times[longest])}"
            )
        return
    held = np.diff(np.searchsorted(packets.held, times, side="right")) > 0
    gaps = np.flatnonzero((steps > 1.5 * frame) & ~held)
    for before in gaps[:MOST_GAPS]:
        missing = round(steps[before] / frame) - 1
        what = f"{pictures(missing)} after {clock(times[before])} (picture {before + 1:,})"
        # Who cuts a film by its packets loses some at its ends, that lean on others.
        at_its_ends = before < FORGIVEN or before >= len(steps) - FORGIVEN
        cut_out = missing <= FORGIVEN and at_its_ends
        if packets.complaint or packets.cut:
            damage.found(f"{what} cannot be read ({packets.complaint})")
        elif (clocked and not cut_out) or steps[before] > FORWARD:
            # Nothing else would tell of a stretch that was not received; and nothing stands still for so long
            # in a film at an even pace.
            damage.found(f"{what} missing, or the recording paused")
        else:
            damage.note(f"{what} missing; the one before stays")
    if len(gaps) > MOST_GAPS:
        damage.note(f"and so after {len(gaps) - MOST_GAPS:,} more of its pictures")


def _find_end(film: FilmInfo, packets: Stamps, rate: Fraction, ends: float, damage: Damage) -> None:
    """Whether the film ends where its header says, or a packet does."""
    if packets.absent is not None:  # then it has an index, at its end, which knows more
        there = np.flatnonzero(packets.absent)
        for where, count in (("beginning", there[0]), ("end", len(packets.absent) - 1 - there[-1])):
            if count:
                damage.found(f"{pictures(count)} at its {where} cannot be read ({packets.complaint})")
        return
    file = film.path if film.folder is None else film.folder.files[-1]
    packet = packet_size(file)
    if packet and file.stat().st_size % packet:
        damage.found(f"breaks off at {clock(ends)}, in the middle of a packet")
    if packets.complaint and not film.clocked and film.start_time > 0.1:
        damage.found(f"what comes before {clock(film.start_time)} cannot be read ({packets.complaint})")
    stated = read_header(file)
    if stated.another:
        damage.found("another film lies behind it in the same file, and may not be read")
    # Those count that the film itself leaves out; and an AVI may count in finer steps than its pictures take.
    fewer = round((stated.pictures / film.rate - ends) * rate)
    if (torn := stated.size - file.stat().st_size) > 0:
        damage.found(f"breaks off at {clock(ends)}, {torn:,} bytes before its header says")
    elif fewer > 0:
        # The last one may have been dropped when the film was made.
        (damage.found if fewer > 1 else damage.note)(f"has {pictures(fewer)} fewer than its header says")
    if film.duration is None or stated.unknown:
        if packets.cut:
            damage.found(f"breaks off at {clock(ends)}")
        return
    # Some containers count the duration from zero, some from the first timestamp.
    length, broken = film.duration, bool(packets.cut or packets.complaint)
    if film.picture_duration is not None and not broken:
        # Matroska counts as length of the film what a cut left of the sound before its beginning.
        length = min(length, film.picture_duration)
    missing = length - max(packets.end, packets.end + film.start_time)
    allowed = 0.1 if broken else 1.0
    if missing > allowed and length - _end_of_others(film) > allowed:
        damage.found(f"breaks off at {clock(ends)} though its header says {clock(length)}")


def _end_of_others(film: FilmInfo) -> float:
    """Where those streams end, in seconds, that are of no use here but count for the header's duration."""
    ends = (packet.decoded + packet.lasts for packet in read_packets(film.source, bytearray(), OTHERS))
    return max(filter(math.isfinite, ends), default=0.0)


def _find_silence(packets: Stamps, ends: float, damage: Damage) -> None:
    """Where sound is missing: perhaps meant so, and no reason to stop, but to be known."""
    for number, track in enumerate(packets.sound, start=1):
        for begin, end in track.gaps[:MOST_GAPS]:
            damage.note(f"track {number} of its sound has nothing from {clock(begin)} to {clock(end)}")
        if track.end < ends - EARLY:
            at = clock(max(0.0, track.end))
            damage.note(f"track {number} of its sound ends at {at}, the picture at {clock(ends)}")
