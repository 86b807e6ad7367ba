"""What ffmpeg says of each picture that it decodes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autoencode.film import ffmpeg

LEVEL = "repeat+level+info"
"""What ffmpeg is to say (its `-v`), to be understood here."""

SPEAKER = rb"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*"
"""How its lines begin: who speaks. What follows is how loud. A title may hold any words, but not there."""

CORRUPT = re.compile(SPEAKER + rb"\[warning\] corrupt decoded frame\s*$")

_SHOWN = re.compile(SPEAKER + rb"\[info\] decoder -> pts:(-?\d+) .* frame_type:(\d+) time_base:(\d+)/(\d+)")

_BIDIRECTIONAL = 3
"""Ffmpeg's number of a B-frame."""


class Logged(NamedTuple):
    """One decoded picture."""

    time: float  # its timestamp, in seconds
    corrupt: bool  # not all of it could be decoded: some was made up
    bidirectional: bool  # a B-frame


def decoder_log(source: Sequence[str], stream: str, seek: float = 0.0) -> Iterator[Logged]:
    """Decodes with one thread, in which all that is said before a picture is of it.

    Args:
      source: arguments that open the film.
      stream: of its pictures, as ffmpeg's -map has it.
      seek: seconds, by the film's own clock: the first picture to come.
    """
    command = ["-v", LEVEL, "-nostats", "-debug_ts", "-copyts", "-threads", "1"]
    command += [*(["-ss", f"{seek:.6f}"] if seek > 0 else []), *source]
    command += ["-map", stream, "-fps_mode", "passthrough", "-f", "null", "-"]
    with ffmpeg.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            warned = False
            for line in process.stderr:
                warned |= bool(CORRUPT.match(line))
                if shown := _SHOWN.match(line):
                    pts, kind, numerator, denominator = map(int, shown.groups())
                    time = pts * numerator / denominator
                    if time > seek - 1e-3 or not seek:
                        yield Logged(time, warned, kind == _BIDIRECTIONAL)
                    warned = False
        finally:
            process.kill()
