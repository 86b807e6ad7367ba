"""The packets of a film, one by one, without decoding any."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from autoencode.film import ffmpeg


class Packet(NamedTuple):
    """What a container has for one moment of one of its streams; times are seconds."""

    stream: str  # "0" is the picture's
    shown: float | None  # seconds, as the other two
    decoded: float
    lasts: float
    discarded: bool  # an edit list cuts it away: it is not to be shown or heard


def read_packets(path: Path, said: bytearray) -> Iterator[Packet]:
    """Every packet of picture, sound and subtitles, in the file's order, by the file's own clock.

    Args:
      path: the film.
      said: gets what ffmpeg complained of.
    """
    # Video, sound and subtitles: only where all of them stop is the file's end.
    maps = ["-map", "0:V:0", "-map", "0:a?", "-map", "0:s?"]
    # Without -copyts ffmpeg counts some containers from the first stream mapped, not from the file's start.
    command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "error", "-copyts"]
    command += [*ffmpeg.source(path), *maps, "-c", "copy", "-f", "framecrc", "-"]
    bases: dict[str, float] = {}
    with tempfile.TemporaryFile() as complaints:
        # Line by line: of a long film they are many.
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
        ) as process:
            for line in process.stdout:
                if line.startswith(b"#tb "):
                    stream, _, base = line.decode()[4:].partition(": ")
                    bases[stream] = float(Fraction(base))
                columns = line.decode(errors="replace").split(",")
                base = bases.get(columns[0])
                if base is None or len(columns) < 6:
                    continue
                decoded, shown, lasts = map(int, columns[1:4])
                at = shown * base if shown > -(2**62) else None  # it writes none as a large negative number
                yield Packet(columns[0], at, decoded * base, lasts * base, _is_discarded(columns[6:]))
        complaints.seek(0)
        said += complaints.read()


def _is_discarded(columns: list[str]) -> bool:
    """Ffmpeg's discard flag, 4."""
    return any(int(column[3:], 16) & 4 for column in columns if column.startswith(" F="))
