"""Recordings in one file, each with a clock of its own: laid end to end, pictures and sound."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from autoencode.film.pace import usual_pace
from autoencode.film.packets import file_order, read_packets
from autoencode.film.probe import FilmInfo

FORWARD = 10.0
"""Seconds by which a clock must leap to have been set anew, and nothing to be missing: as ffmpeg has it."""

BACK, FAR_BACK = 0.01, 0.5
"""Seconds by which it must go back; and where ffmpeg only guesses at times, which wander."""

SLOW = 3
"""Times as long as the usual step between two pictures is at least the one at which a clock may leap."""

BESIDE = 1.0
"""Seconds by which sound may begin before the picture of its recording, or end after it."""

NEAR = 0.005
"""Seconds by which a recording may seem longer or shorter than its pictures are at the header's rate."""

UNTOLD = 0.1
"""The share of pictures that may lack a time, as where recordings are torn; of MPEG programs many do."""


class Stretch(NamedTuple):
    """Packets of a track that belong to one recording."""

    first: int  # the number of the first
    moved: float  # seconds by which all are shown later than the file says
    begin: float  # when, by the file's clock, its picture begins
    end: float  # and ends; sound outside would be heard together with another's


@dataclass(frozen=True, eq=False)
class Recordings:
    """What lies in one file, end to end."""

    times: np.ndarray  # float64 (pictures,), sorted, seconds: when they are shown
    stamps: np.ndarray | None  # when the decoder will say that they are, if that is known
    begins: list[int]  # which pictures are the first of a recording, but for the first of all
    strays: list[int]  # which had times that could not be
    stretches: dict[str, list[Stretch]]  # of each other stream, by ffmpeg's number of it


def find_recordings(film: FilmInfo, in_fields: bool) -> Recordings | None:
    """Reads the packets of a film whose clock seems to have been set anew; None: it was not.

    Args:
      film: the film, as probed.
      in_fields: whether two packets make a picture.
    """
    found = _read(film)
    if found is None:
        return None
    shown, decoded = found.shown, found.decoded
    told = np.isnan(shown).mean() < UNTOLD
    if told:
        shown = np.where(np.isnan(shown), decoded + np.nanmedian(shown - decoded), shown)
    # Only what was made to be sent says both, and exactly. Of Matroska ffmpeg guesses when pictures are
    # decoded; and of programs where few say when they are shown, that.
    exact, said = told and film.clocked, shown if told and not film.clocked else decoded
    clock = _without_strays(said) if exact else said
    begins = _begins(clock, found.heard.get("1", np.zeros(0)), BACK if exact else FAR_BACK, film.rate)
    strays = np.flatnonzero(clock != said)
    if not len(begins) and not len(strays):
        return None
    stamps = shown if told else _evenly(decoded, shown, begins, film.rate)
    each = 2 if in_fields else 1
    times, stamps, spans = _end_to_end(stamps + (clock - said), stamps, begins, each, film.rate)
    return Recordings(
        times=times,
        stamps=stamps if told else None,
        begins=[int(number) // each for number in begins],
        strays=[int(number) // each for number in strays],
        stretches={
            stream: _stretches(_without_strays(heard), found.places[stream], found.lie[begins], spans)
            for stream, heard in found.heard.items()
        },
    )


class _Found(NamedTuple):
    """What the packets of a film say, by its own clock and in the file's order; seconds."""

    shown: np.ndarray  # float64 (pictures,), nan where none is said
    decoded: np.ndarray  # float64 (pictures,)
    lie: np.ndarray  # where those packets lie among all of the file's
    heard: dict[str, np.ndarray]  # of each other stream when its packets are decoded
    places: dict[str, np.ndarray]  # of each stream where they lie


def _read(film: FilmInfo) -> _Found | None:
    """None: there is no picture, or ffmpeg did not say where all of them lie."""
    packets, said = defaultdict(list), bytearray()
    for packet in read_packets(film.source, said, film.streams, back=True):
        packets[packet.stream].append(packet)
    places, of_picture = file_order(said), packets.pop("0", [])
    held = [number for number, packet in enumerate(of_picture) if packet.size and not packet.discarded]
    if not held or len(places["0"]) < len(of_picture):
        return None
    shown = [of_picture[number].shown for number in held]
    return _Found(
        shown=np.array([np.nan if time is None else time for time in shown]) - film.start_time,
        decoded=np.array([of_picture[number].decoded for number in held]) - film.start_time,
        lie=places["0"][held],
        heard={
            stream: np.array([packet.decoded for packet in those]) - film.start_time
            for stream, those in packets.items()
        },
        places=places,
    )


def _without_strays(times: np.ndarray) -> np.ndarray:
    """Times of packets that follow each other, with those put right that stand alone."""
    if len(times) < 3:
        return times
    before, here, after = times[:-2], times[1:-1], times[2:]
    # At a joint the neighbours are no two steps apart.
    go_on = np.abs(after - before - 2 * np.nanmedian(np.diff(times))) < BACK
    stray = go_on & ((here < before - BACK) | (here > after + BACK))
    return np.concatenate([times[:1], np.where(stray, (before + after) / 2, here), times[-1:]])


def _begins(decoded: np.ndarray, heard: np.ndarray, back: float, rate: Fraction) -> np.ndarray:
    """At which packets of the picture a clock was set anew: back, or far on with little heard meanwhile."""
    steps = np.diff(decoded)
    leaps = steps > max(FORWARD, SLOW / usual_pace(decoded, rate))
    for packet in np.flatnonzero(leaps):
        before, after = decoded[packet] + BESIDE, decoded[packet + 1] - BESIDE
        seconds = np.unique(np.floor(heard[(heard > before) & (heard < after)]))
        leaps[packet] = len(seconds) < (after - before) / 2
    return np.flatnonzero((steps < -back) | leaps) + 1


def _evenly(decoded: np.ndarray, shown: np.ndarray, begins: np.ndarray, rate: Fraction) -> np.ndarray:
    """Times at which pictures are shown that come at an even pace, from each recording's first known on."""
    step = 1 / float(usual_pace(decoded, rate))
    parts = zip(np.split(decoded, begins), np.split(shown, begins), strict=True)
    firsts = [np.nanmin(known) if not np.isnan(known).all() else times[0] for times, known in parts]
    lengths = np.diff([0, *begins, len(shown)])
    return np.concatenate(
        [first + step * np.arange(length) for first, length in zip(firsts, lengths, strict=True)]
    )


def _end_to_end(
    shown: np.ndarray, stamps: np.ndarray, begins: np.ndarray, each: int, rate: Fraction
) -> tuple[np.ndarray, np.ndarray, list[Stretch]]:
    """Times of all pictures, what stood for them, and where each recording lies; `each` packets a picture."""
    orders = [
        first + np.argsort(part) for first, part in zip([0, *begins], np.split(shown, begins), strict=True)
    ]
    orders = [order[::each] for order in orders]
    times, spans = [], []
    end = max(0.0, float(shown[orders[0][0]]))
    for order in orders:
        part = shown[order]
        moved = end - float(part[0])
        times.append(part + moved)
        step = 1 / float(usual_pace(part, rate))
        ends, even = float(part[-1]) + step, float(part[0] + len(part) / rate)
        # So that times in milliseconds do not wander off the beat, joint by joint.
        ends = even if abs(ends - even) < NEAR else ends
        spans.append(Stretch(0, moved, float(part[0]), ends))
        end = spans[-1].end + moved
    spans[0] = spans[0]._replace(begin=-np.inf)
    spans[-1] = spans[-1]._replace(end=np.inf)
    return np.concatenate(times), stamps[np.concatenate(orders)], spans


def _stretches(
    heard: np.ndarray, places: np.ndarray, joints: np.ndarray, spans: list[Stretch]
) -> list[Stretch]:
    """A track's: each begins where its clock leaps near the picture's, or else where the picture's does.

    Near, as sound does not lie beside the pictures of its moment. Sound that goes on by a clock that is not
    the picture's stays as it was.

    Args:
      heard: times of the track's packets.
      places: where they lie among all of the file's packets.
      joints: where the pictures lie that begin a recording.
      spans: of the picture.
    """
    steps = np.diff(heard)
    leaps = np.flatnonzero((steps < 0) | (steps > FORWARD)) + 1
    firsts = {0: spans[0]}
    for number, joint in enumerate(joints, start=1):
        before = joints[number - 2] if number > 1 else -1
        after = joints[number] if number < len(joints) else np.inf
        near = leaps[(places[leaps] > before) & (places[leaps] < after)]
        nearest = near[np.abs(places[near] - joint).argmin()] if len(near) else None
        first = int(np.searchsorted(places, joint) if nearest is None else nearest)
        span = spans[number]
        beside = first < len(heard) and span.begin - BESIDE < heard[first] < span.end + BESIDE
        if nearest is not None or beside or not first:
            firsts[first] = span  # of two that begin at the same packet the first had none
    return [span._replace(first=first) for first, span in sorted(firsts.items()) if first < len(heard)]
