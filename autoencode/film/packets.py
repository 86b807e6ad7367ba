"""The packets of a film, one by one, without decoding any."""

from __future__ import annotations

import math
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from autoencode.film import ffmpeg
from autoencode.film.decoder_log import LEVEL


class Packet(NamedTuple):
    """What a container has for one moment of one of its streams; times are seconds."""

    stream: str  # "0" is the picture's
    shown: float | None  # seconds, as the other two
    decoded: float  # nan if it has no such time
    lasts: float
    size: int  # bytes; of none the picture before it stays
    discarded: bool  # an edit list cuts it away: it is not to be shown or heard


_MAPPED = re.compile(rb"Stream #0:(\d+) -> #0:(\d+) ")
_DEMUXED = re.compile(rb"\] demuxer -> ist_index:0:(\d+) ")

NEVER = 2**53
"""Of its time base, so far no film lasts: ffmpeg says so, or more, where it has no time."""

_FAR = 2**40
"""Of a time base: before all that is there, and behind it."""

OTHERS = ("0:v?", "0:d?")
"""Further pictures, and data, such as a camera's own."""


def read_packets(
    source: Sequence[str], said: bytearray, streams: Sequence[str], back: bool = False
) -> Iterator[Packet]:
    """Every packet of some of a film's streams, in the file's order, by the file's own clock.

    Args:
      source: arguments that open the film.
      said: gets what ffmpeg complained of; with `back` all that it says, for `file_order`.
      streams: which, as ffmpeg's -map has it.
      back: where the file's clock goes back, times do so too. Ffmpeg lets them stand still instead, on their
        way out; to go by they hide in what a packet lasts, which is 0 then. Only the order of each stream's
        own packets is the file's.
    """
    maps = [word for stream in streams for word in ("-map", stream)]
    # Without -copyts ffmpeg counts some containers from the first stream mapped, not from the file's start.
    command = ["-v", LEVEL, "-debug_ts"] if back else ["-v", "error"]
    command += ["-nostats", "-copyts", *source, *maps]
    command += ["-bsf", f"setts=pts=PTS:dts=N-{_FAR}:duration=DTS+{_FAR}"] if back else []
    command += ["-c", "copy", "-copy_unknown", "-f", "framecrc", "-"]
    bases: dict[str, float] = {}
    with tempfile.TemporaryFile() as complaints:
        # Line by line: of a long film they are many.
        with ffmpeg.start(command, stdout=subprocess.PIPE, stderr=complaints) as process:
            for line in process.stdout:
                if line.startswith(b"#tb "):
                    stream, _, base = line.decode()[4:].partition(": ")
                    bases[stream] = float(Fraction(base))
                columns = line.decode(errors="replace").split(",")
                base = bases.get(columns[0])
                if base is None or len(columns) < 6:
                    continue
                decoded, shown, lasts, size = map(int, columns[1:5])
                if back:
                    decoded, lasts = lasts - _FAR if lasts else NEVER, 0
                    # That of sound has become that of decoding, which is no other.
                    shown = shown if columns[0] == "0" else decoded
                at = shown * base if abs(shown) < NEVER else None
                from_then = decoded * base if abs(decoded) < NEVER else math.nan
                yield Packet(columns[0], at, from_then, lasts * base, size, _is_discarded(columns[6:]))
        complaints.seek(0)
        said += complaints.read()


def file_order(said: bytes) -> dict[str, np.ndarray]:
    """Where each stream's packets lie among all of a file's, as `read_packets` heard it."""
    outputs = dict(_MAPPED.findall(said))
    order = np.array([outputs.get(number, b"") for number in _DEMUXED.findall(said)])
    return {stream.decode(): np.flatnonzero(order == stream) for stream in outputs.values()}


def _is_discarded(columns: list[str]) -> bool:
    """Ffmpeg's discard flag, 4."""
    return any(int(column[3:], 16) & 4 for column in columns if column.startswith(" F="))
