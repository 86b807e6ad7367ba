"""When each picture of a film is shown, read from its packets, and whether any are missing."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.damage import Damage
from autoencode.film.header import read_header
from autoencode.film.packets import OTHERS, read_packets
from autoencode.film.probe import FilmInfo
from autoencode.film.timeline import FORGIVEN, Timeline, clock, pace, pictures, usual_pace
from autoencode.film.transport import packet_size

EVEN, MOST_GAPS = 0.95, 10
"""The share of steps that make a pace, and how many of the steps that are too long are named."""

ASTRAY = 2.5
"""Pictures that times of decoding may stray from the beat, where there are no others."""

SILENCE = 0.2
"""Seconds between two packets of a track of sound from which something is missing."""

EARLY = 1.0
"""Seconds before the picture at which sound may end."""

JUMP = 10.0
"""Seconds by which a clock must leap to have been set anew, and nothing to be missing: as ffmpeg has it."""


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
      start: as in `Timeline.part`.
      duration: likewise.
      every: likewise.
      allow_damaged: what is broken is noted in the timeline's `damage`, and stops nobody.

    Raises:
      DamagedError: the file breaks off before the end its header announces, pictures are missing between
        others, or its clock jumps.
      UserError: it holds no picture, or none lies in the range.
    """
    packets, damage = _read_packets(film), Damage(film.path, allow_damaged)
    if not len(packets.times):
        raise UserError(f"{film.path}: holds no readable picture; copy the film again")
    if packets.jumps:
        packets = _in_order(film, packets, damage)
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
    if packets.complaint and not damage.notes:
        damage.note(f"is damaged ({packets.complaint}), though its times show no gap")
    if packets.outside:
        damage.note(f"{pictures(packets.outside)} at its end lie outside of its edit list, and are left out")
    _find_silence(packets, ends, damage)
    length = len(packets.times) / float(rate) if constant else ends - float(packets.times[0])
    whole = Timeline(
        packets.times,
        rate,
        constant,
        length,
        guessed=packets.guessed,
        jumps=bool(packets.jumps),
        edited=packets.edited,
        damage=damage,
    )
    return whole.part(start, duration, every)


@dataclass
class _Sound:
    end: float = -np.inf  # seconds: where it ends, as far as it was read
    gaps: list[tuple[float, float]] = field(default_factory=list)  # from when to when nothing is there


@dataclass(frozen=True, eq=False)
class _Packets:
    times: np.ndarray  # float64, sorted, seconds: the video's
    last_duration: float  # seconds of the last picture, 0 where unknown
    usual_duration: float  # the median of all, but for the last
    end: float  # seconds: where the last stream of any kind ends
    cut: bool  # the demuxer ran into the end of the file too early
    complaint: str | None  # what else it said, if anything
    outside: int  # pictures that an edit list cuts off at the end
    guessed: bool  # some pictures do not say when they are shown
    jumps: list[int]  # pictures, in the file's order, at which its clock was set anew
    edited: bool  # or it is no clock, but an edit list that shows pieces of the file
    sound: list[_Sound]  # its tracks


def _read_packets(film: FilmInfo) -> _Packets:
    # Of each picture, in seconds; and when the packets of the sound, if there is any, are decoded.
    shown, decoded, lasts, heard = array("d"), array("d"), array("d"), array("d")
    end, outside, said = 0.0, array("d"), bytearray()
    sound = {str(1 + track): _Sound() for track in range(len(film.audio))}
    for packet in read_packets(film.path, said):
        time = (packet.decoded if packet.shown is None else packet.shown) - film.start_time
        if packet.discarded:
            if packet.stream == "0":
                outside.append(time)
            continue
        end = max(end, time + packet.lasts)
        if packet.stream == "0":
            shown.append(np.nan if packet.shown is None else time)
            decoded.append(packet.decoded)
            lasts.append(packet.lasts)
        elif track := sound.get(packet.stream):
            if time > track.end + SILENCE and track.end > -np.inf:
                track.gaps.append((track.end, time))
            track.end = time + packet.lasts
            if packet.stream == "1":
                heard.append(packet.decoded)
    times, decoding = np.array(shown), np.array(decoded)
    guessed = bool(np.isnan(times).any())
    if guessed:
        times = _times_of_decoding(film, times, decoding)
    jumps = _jumps(times, decoding, np.array(heard), film.clocked)
    final = int(np.argmax(times)) if len(times) else 0
    last = lasts[final] if len(times) else 0.0
    usual = float(np.median(np.delete(lasts, final))) if len(times) > 1 else 0.0
    times.sort()
    if _are_fields(film, times):
        times = times[::2]
    cut = re.search(rb"ended prematurely|partial file", said) is not None
    complaint = ffmpeg.last_words(bytes(said)) if said.strip() else None
    after = sum(time > times.max(initial=-np.inf) for time in outside)
    edited = bool(jumps) and len(outside) > after
    tracks = [*sound.values()]
    return _Packets(times, last, usual, end, cut, complaint, after, guessed, jumps, edited, tracks)


def _are_fields(film: FilmInfo, times: np.ndarray) -> bool:
    """Whether a picture comes in two packets, a field in each, as camcorders and broadcasts may have it.

    The header says so, its rate is that of the pictures, and there are twice as many packets.
    """
    if film.progressive or film.order is None or len(times) < 4:
        return False
    packets = (len(times) - 1) / max(times[-1] - times[0], 1e-6)
    return abs(packets / float(film.rate) - 2) < 0.05


def _times_of_decoding(film: FilmInfo, shown: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """For times of presentation, which MPEG programs, AVI and bare streams do not give to all pictures.

    Decoding begins before anything is shown, but is as evenly spaced.
    """
    known = shown[~np.isnan(shown)]
    first = float(known.min()) if len(known) and film.clocked else 0.0
    times = decoded - decoded.min(initial=np.inf) + first
    rate = float(usual_pace(np.sort(times), film.rate)) if len(times) > 1 else float(film.rate)
    even = first + np.arange(len(times)) / rate
    # Some muxers lose the beat by the pictures that a decoder might have held back, and has not.
    return even if np.abs(times - even).max() < ASTRAY / rate else times


def _jumps(shown: np.ndarray, decoded: np.ndarray, heard: np.ndarray, clocked: bool) -> list[int]:
    """Where a clock was set anew: back, which ffmpeg shows as standing still, or far on, like the sound's."""
    if len(shown) < 2:
        return []
    stands = np.diff(decoded, prepend=-np.inf) <= 0
    if not clocked:
        # Two pictures of one millisecond are no jump.
        stands &= np.diff(shown, prepend=-np.inf) == 0
        stands &= np.append(stands[1:], False) | np.append(False, stands[:-1])
    begins = stands & ~np.append(False, stands[:-1])
    leaps = np.diff(decoded, prepend=np.inf) > JUMP if clocked else np.zeros_like(stands)
    if len(heard):
        quiet = heard[:-1][np.diff(heard) > JUMP]
        for number in np.flatnonzero(leaps):
            leaps[number] = np.any(np.abs(quiet - decoded[number - 1]) < JUMP)
    return np.flatnonzero(begins | leaps).tolist()


def _in_order(film: FilmInfo, packets: _Packets, damage: Damage) -> _Packets:
    """With the times that the pictures would have if they followed each other at the header's rate."""
    times = max(0.0, float(packets.times[0])) + np.arange(len(packets.times)) / float(film.rate)
    if packets.edited:
        damage.note("shows pieces of itself, as its edit list has it, at an even pace")
        return replace(packets, times=times, end=np.inf, guessed=True, jumps=[], outside=0, sound=[])
    for number in packets.jumps[:MOST_GAPS]:
        damage.found(f"its clock jumps near picture {number + 1:,}, after {clock(times[number])} of pictures")
    return replace(packets, times=times, end=np.inf, guessed=True, sound=[])


def _find_gaps(packets: _Packets, rate: Fraction, damage: Damage, clocked: bool) -> None:
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
    gaps = np.flatnonzero(steps > 1.5 * frame)
    for before in gaps[:MOST_GAPS]:
        missing = round(steps[before] / frame) - 1
        what = f"{pictures(missing)} after {clock(times[before])} (picture {before + 1:,})"
        # Who cuts a film by its packets cuts off some that are shown before the last of those that stay.
        cut_out = missing <= FORGIVEN and before >= len(steps) - FORGIVEN
        if packets.complaint or packets.cut:
            damage.found(f"{what} cannot be read ({packets.complaint})")
        elif (clocked and not cut_out) or steps[before] > JUMP:
            # Nothing else would tell of a stretch that was not received; and nothing stands still for so long
            # in a film at an even pace.
            damage.found(f"{what} missing, or the recording paused")
        else:
            damage.note(f"{what} missing; the one before stays")
    if len(gaps) > MOST_GAPS:
        damage.note(f"and so after {len(gaps) - MOST_GAPS:,} more of its pictures")


def _find_end(film: FilmInfo, packets: _Packets, rate: Fraction, ends: float, damage: Damage) -> None:
    """Whether the film ends where its header says, or a packet does."""
    packet = packet_size(film.path)
    if packet and film.path.stat().st_size % packet:
        damage.found(f"breaks off at {clock(ends)}, in the middle of a packet")
    if packets.complaint and not film.clocked and film.start_time > 0.1:
        damage.found(f"what comes before {clock(film.start_time)} cannot be read ({packets.complaint})")
    stated = read_header(film.path)
    # Those count that the film itself leaves out; and an AVI may count in finer steps than its pictures take.
    fewer = round((stated.pictures / film.rate - ends) * rate)
    if (torn := stated.size - film.path.stat().st_size) > 0:
        damage.found(f"breaks off at {clock(ends)}, {torn:,} bytes before its header says")
    elif fewer > 0:
        # The last one may have been dropped when the film was made.
        (damage.found if fewer > 1 else damage.note)(f"has {pictures(fewer)} fewer than its header says")
    if film.duration is None:
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
    packets = read_packets(film.path, bytearray(), OTHERS)
    return max((packet.decoded + packet.lasts for packet in packets), default=0.0)


def _find_silence(packets: _Packets, ends: float, damage: Damage) -> None:
    """Where sound is missing: perhaps meant so, and no reason to stop, but to be known."""
    for number, track in enumerate(packets.sound, start=1):
        for begin, end in track.gaps[:MOST_GAPS]:
            damage.note(f"track {number} of its sound has nothing from {clock(begin)} to {clock(end)}")
        if track.end < ends - EARLY:
            at = clock(max(0.0, track.end))
            damage.note(f"track {number} of its sound ends at {at}, the picture at {clock(ends)}")
