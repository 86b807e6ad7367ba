"""What the index of an AVI knows of pictures and sound that can no longer be found in it."""

from __future__ import annotations

import mmap
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autoencode.film.clocks import Stretch
from autoencode.film.packets import Packet

_ENTRY = np.dtype([("name", "S4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])
"""Of an index: of which stream a chunk is, and where it lies, from b"movi" or from the file's start on."""

_HEAD = 8
"""Bytes that a chunk begins with: its name and its size."""


class Indexed(NamedTuple):
    """The chunks of one stream that an index names."""

    found: np.ndarray  # bool (chunks,): whether each is there
    sizes: np.ndarray  # int64 (chunks,): bytes


def read_index(path: Path, picture: int, places: Sequence[int]) -> dict[str, Indexed]:
    """The index of an AVI, by the numbers that `read_packets` gives to its streams; nothing: it has none.

    A chunk is there if it lies where the index says, or, if a piece was cut out before it, nearer to the
    beginning by as much as the index itself does.

    Args:
      path: the AVI.
      picture: of the stream of pictures that is read, among all of the file's.
      places: of each track of sound that is read, among the file's.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        chunks, index = re.search(rb"LIST(.{4})movi", raw, re.DOTALL), raw.rfind(b"idx1")
        if chunks is None or index < chunks.end():
            return {}
        movi, begin = chunks.start(0) + 8, index + 8
        moved = movi + int.from_bytes(chunks[1], "little") - index
        length = min(int.from_bytes(raw[index + 4 : begin], "little"), len(raw) - begin)
        entries = np.frombuffer(raw[begin : begin + length // _ENTRY.itemsize * _ENTRY.itemsize], _ENTRY)
    kinds = np.array([name[2:] for name in entries["name"].tolist()])
    shown = entries["name"][np.isin(kinds, [b"dc", b"db"])]
    pictures = shown[np.char.startswith(shown, b"%02d" % picture)][:1].tolist()
    sounds = sorted(set(entries["name"][kinds == b"wb"].tolist()))
    found = _found(path, entries, movi, moved)
    names = pictures + [sounds[place] for place in places if place < len(sounds)]
    # Where an entry is damaged its size may be any.
    sizes = np.minimum(entries["size"], entries["size"][found].max(initial=0)).astype(int)
    index = {
        str(number): Indexed(found[entries["name"] == name], sizes[entries["name"] == name])
        for number, name in enumerate(names)
    }
    # If next to nothing is where it should be, it means other places.
    known = "0" in index and index["0"].found.mean() > 0.5
    return index if known else {}


def _found(path: Path, entries: np.ndarray, movi: int, moved: int) -> np.ndarray:
    """Which of an index's entries lie where they should, or nearer to the beginning by `moved`."""
    data = np.memmap(path, np.uint8, "r")
    heads = np.zeros((len(entries), _HEAD), np.uint8)
    heads[:, :4] = np.frombuffer(entries["name"].tobytes(), np.uint8).reshape(-1, 4)
    heads[:, 4:] = np.frombuffer(entries["size"].tobytes(), np.uint8).reshape(-1, 4)

    def lie(places: np.ndarray) -> np.ndarray:
        within = places.clip(0, len(data) - _HEAD)[:, None] + np.arange(_HEAD)
        return (data[within] == heads).all(axis=1)

    def found(begin: int) -> np.ndarray:
        places = entries["offset"] + np.int64(begin)
        there = lie(places)
        if there.all() or not moved:
            return there
        after = lie(places - moved)
        # The piece is gone where most chunks are found, all before it there and all behind it nearer.
        ends, nearer = np.concatenate([[-1], places]), np.maximum.accumulate(places - moved)
        behind = np.searchsorted(nearer, ends, side="right").clip(np.arange(len(places) + 1))
        before = np.concatenate([[0], np.cumsum(there)])
        most = np.argmax(before + after.sum() - np.concatenate([[0], np.cumsum(after)])[behind])
        return np.concatenate([there[:most], np.zeros(behind[most] - most, bool), after[behind[most] :]])

    # Writers differ in where they count from.
    return max(map(found, (0, movi)), key=np.sum)


def as_read(packets: Sequence[Packet], index: dict[str, Indexed]) -> dict[str, Indexed]:
    """The index as if it were of what ffmpeg read: sometimes it goes by the index itself, or is led astray.

    Args:
      packets: all of them.
      index: the AVI's.
    """
    return {
        stream: stream_index._replace(found=_as_read(_of(stream, packets), stream, stream_index))
        for stream, stream_index in index.items()
    }


def _as_read(packets: Sequence[Packet], stream: str, index: Indexed) -> np.ndarray:
    """Which of a stream's chunks were read."""
    found, sizes = index
    if stream == "0":
        read = 1 + max(map(_number, packets), default=-1)
        return found & (np.cumsum(found) <= read) if read <= found.sum() else np.ones_like(found)
    # The rest of a chunk that a hole was torn into is taken from those behind it.
    hole, more = int(np.argmin(found)), int(sizes[found].sum()) - sum(packet.size for packet in packets)
    if more > 0:
        swallowed = np.searchsorted(np.cumsum(np.where(found, sizes, 0)[hole:]), more) + 1
        places = np.arange(len(found))
        found = found & ((places < hole) | (places >= hole + swallowed))
    return found if more >= 0 else np.ones_like(found)


def lateness(packets: Sequence[Packet], index: dict[str, Indexed]) -> dict[str, np.ndarray]:
    """By how much packets are to be shown or heard later, so that there is room for what is not there.

    In an AVI they have no times but their order.

    Args:
      packets: all of them, as ffmpeg reads them.
      index: the AVI's, `as_read`.

    Returns:
      For each stream of which something is missing, seconds for each of its packets, and for its end.
    """
    late = {}
    for stream, (found, sizes) in index.items():
        mine = _of(stream, packets)
        if found.all() or not mine:
            continue
        if stream == "0":
            measure, each = np.ones(len(found)), mine[0].lasts
            chunks = np.array([_number(packet) for packet in mine])
        else:
            read = np.array([packet.size for packet in mine])
            seconds = mine[-1].decoded + mine[-1].lasts - mine[0].decoded
            # A chunk is a frame of compressed sound, or as many samples as there is room for.
            framed = len(mine) == found.sum() and np.ptp([packet.lasts for packet in mine]) < 1e-6
            measure = np.ones(len(found)) if framed else sizes
            each = seconds / measure[found].sum()
            chunks = np.searchsorted(np.cumsum(sizes[found]), np.cumsum(read) - read, side="right")
        missing = np.cumsum(np.where(found, 0, measure))
        here = np.flatnonzero(found)[chunks.clip(0, found.sum() - 1)]
        late[stream] = np.append(missing[here], missing[-1]) * each
    return late


def _of(stream: str, packets: Sequence[Packet]) -> list[Packet]:
    return [packet for packet in packets if packet.stream == stream]


def in_their_places(packets: Iterable[Packet], late: Mapping[str, np.ndarray]) -> Iterator[Packet]:
    """Packets later by their `lateness`."""
    numbers: Counter[str] = Counter()
    for packet in packets:
        by = float(late[packet.stream][numbers[packet.stream]]) if packet.stream in late else 0.0
        numbers[packet.stream] += 1
        shown = None if packet.shown is None else packet.shown + by
        yield packet._replace(shown=shown, decoded=packet.decoded + by)


def pieces(late: np.ndarray) -> list[Stretch]:
    """What lies between the holes of a stream, of which `lateness` is known."""
    firsts = [0, *(np.flatnonzero(np.diff(late[:-1])) + 1).tolist()]
    return [Stretch(first, float(late[first]), -np.inf, np.inf) for first in firsts]


def _number(packet: Packet) -> int:
    """Which picture of an AVI's a packet is: empty ones count, though they are no packets."""
    return round(packet.decoded / packet.lasts) if packet.lasts else 0
