"""What the index of an AVI knows of pictures that can no longer be found in it."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from autoencode.film.packets import Packet

_ENTRY = np.dtype([("name", "S4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])
"""Of an index: of which stream a chunk is, and where it lies, from b"movi" or from the file's start on."""


def found_in(path: Path) -> np.ndarray | None:
    """Which of the pictures that an AVI's index names are there, as bools; None: there is no index of them.

    A picture is there if it lies where the index says, or, if a piece was cut out before it, nearer to the
    beginning by as much as the index itself does.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        chunks, index = re.search(rb"LIST(.{4})movi", raw, re.DOTALL), raw.rfind(b"idx1")
        if chunks is None or index < chunks.end():
            return None
        movi = chunks.start(0) + 8
        moved = movi + int.from_bytes(chunks[1], "little") - index
        length = min(int.from_bytes(raw[index + 4 : index + 8], "little"), len(raw) - index - 8)
        entries = np.frombuffer(raw[index + 8 : index + 8 + length // 16 * 16], _ENTRY)
        pictures = entries[[name[2:] in (b"dc", b"db") for name in entries["name"].tolist()]]
        name = bytes(pictures["name"][0]) if len(pictures) else b""
        pictures = pictures[pictures["name"] == name]

        heads = [name + int(size).to_bytes(4, "little") for size in pictures["size"]]

        def lie(places: np.ndarray) -> np.ndarray:
            those = zip(places.tolist(), heads, strict=True)
            return np.array([raw[place : place + 8] == head for place, head in those], bool)

        def found(begin: int) -> np.ndarray:
            places = pictures["offset"] + np.int64(begin)
            there, after = lie(places), lie(places - moved)
            first = np.unique(np.where(there, places, places - moved), return_index=True)[1]
            return (there | after) & np.isin(np.arange(len(places)), first)

        # Writers differ in where they count from; and if neither is right, it means other places.
        known = max(map(found, (0, movi)), key=np.sum)
        return known if known.sum() > len(known) / 2 else None


def are_as_many(packets: Iterable[Packet], found: np.ndarray) -> bool:
    """Whether ffmpeg, which sometimes goes by the index itself, reads no more pictures than were found."""
    numbers = [_number(packet) for packet in packets if packet.stream == "0"]
    return max(numbers, default=-1) < found.sum()


def _number(packet: Packet) -> int:
    """Which picture of an AVI's a packet is: empty ones count, though they are no packets."""
    return round(packet.decoded / packet.lasts) if packet.lasts else 0


def in_their_places(packets: Iterable[Packet], found: np.ndarray) -> Iterator[Packet]:
    """Packets of an AVI, which have no times but their order, with room for the pictures that were not found.

    Args:
      packets: as ffmpeg reads them.
      found: as of `found_in`.
    """
    missing = np.flatnonzero(found) - np.arange(found.sum())  # before each that was found
    for packet in packets:
        late = 0.0
        if packet.stream == "0":
            late = float(missing[_number(packet)]) * packet.lasts
        shown = None if packet.shown is None else packet.shown + late
        yield packet._replace(shown=shown, decoded=packet.decoded + late)
