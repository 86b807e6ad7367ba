"""Recordings in one file, each with a clock of its own: laid end to end, pictures and sound."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from autoencode.film.packets import read_packets
from autoencode.film.probe import FilmInfo

FORWARD, BACK = 10.0, 0.5
"""Seconds by which a clock must leap to have been set anew, and nothing to be missing: as ffmpeg has it."""

SHIVER = 0.2
"""Seconds by which the sound's times may go back."""

BEFORE = 1.0
"""Seconds before its first picture, or after its last, at which a recording may have sound."""


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
    stamps: np.ndarray  # when the file says that they are
    begins: list[int]  # which pictures are the first of a recording, but for the first of all
    stretches: dict[str, list[Stretch]]  # of each other stream, by ffmpeg's number of it


def find_recordings(film: FilmInfo, in_fields: bool) -> Recordings | None:
    """Reads the packets of a film whose clock seems to have been set anew; None: it was not.

    Args:
      film: the film, as probed.
      in_fields: whether two packets make a picture.
    """
    shown, decoded, others = array("d"), array("d"), defaultdict(lambda: array("d"))
    for packet in read_packets(film.path, bytearray(), back=True):
        if packet.stream != "0":
            others[packet.stream].append(packet.decoded - film.start_time)
        elif not (packet.discarded or packet.empty):
            shown.append(np.nan if packet.shown is None else packet.shown - film.start_time)
            decoded.append(packet.decoded - film.start_time)
    heard = {stream: np.array(times) for stream, times in others.items()}
    begins = _begins(np.array(decoded), heard.get("1", np.zeros(0)))
    if not len(begins):
        return None
    untold = np.isnan(shown)
    # A few are torn off at the beginning of a recording; MPEG programs leave many out.
    times = np.array(decoded) if untold.mean() > 0.1 else np.where(untold, decoded, shown)
    parts = np.split(times, begins)
    parts = [np.sort(part)[:: 2 if in_fields else 1] for part in parts]
    frame = float(np.median(np.diff(np.concatenate(parts))))
    times, spans, end = [], [], float(parts[0][0])
    for part in parts:
        moved = end - float(part[0])
        times.append(part + moved)
        spans.append(Stretch(0, moved, float(part[0]), float(part[-1]) + frame))
        end = spans[-1].end + moved
    return Recordings(
        times=np.concatenate(times),
        stamps=np.concatenate(parts),
        begins=np.cumsum([len(part) for part in parts[:-1]]).tolist(),
        stretches={stream: _stretches(sound, spans) for stream, sound in heard.items()},
    )


def _begins(decoded: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """At which packets of the picture a clock was set anew: back, or far on, like the sound's."""
    steps = np.diff(decoded)
    back = steps < -BACK
    leaps = steps > FORWARD
    if len(heard):
        quiet = heard[:-1][np.diff(heard) > FORWARD]
        for packet in np.flatnonzero(leaps):
            leaps[packet] = np.any(np.abs(quiet - decoded[packet]) < FORWARD)
    return np.flatnonzero(back | leaps) + 1


def _stretches(heard: np.ndarray, spans: list[Stretch]) -> list[Stretch]:
    """A track's, found by its own leaps: its packets need not lie beside the pictures of their moment."""
    found, span = [spans[0]], 0
    steps = np.diff(heard)
    for packet in np.flatnonzero((steps < -SHIVER) | (steps > FORWARD)) + 1:
        ahead = range(span if steps[packet - 1] > 0 else span + 1, len(spans))
        for there in ahead:
            if spans[there].begin - BEFORE < heard[packet] < spans[there].end + BEFORE:
                if there != span:
                    found.append(spans[there]._replace(first=int(packet)))
                span = there
                break
    return found
