"""When the sound of a film begins, read from the film."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from autoencode.film import ffmpeg
from autoencode.film.probe import FilmInfo, probe


def tracks(path: Path) -> list[dict[str, Any]]:
    """Each track of a film's sound: its `codec`, and when it `begins`, in seconds after the first picture.

    Counted is the first sample that a player plays, so it is decoded; None: there is none.
    """
    film = probe(path)
    picture = _begin(film, film.stream)
    begins = [_begin(film, f"0:a:{place}") for place in film.places]
    return [
        {"codec": codec, "begins": None if None in (begin, picture) else round(float(begin - picture), 6)}
        for codec, begin in zip(film.audio, begins, strict=True)
    ]


def _begin(film: FilmInfo, stream: str) -> Fraction | None:
    """When the first thing decoded of a stream is shown or heard, by the file's clock."""
    command = ["-v", "quiet", "-copyts", *film.source]
    command += ["-map", stream, "-fps_mode", "passthrough", "-enc_time_base", "demux"]
    command += ["-c:v", "rawvideo", "-c:a", "pcm_s16le", "-frames", "1", "-f", "framecrc", "-"]
    said = ffmpeg.run(command).stdout.decode(errors="replace")
    base = re.search(r"^#tb 0: (\d+/\d+)$", said, re.MULTILINE)
    first = re.search(r"^0, *-?\d+, *(-?\d+),", said, re.MULTILINE)
    return int(first[1]) * Fraction(base[1]) if base and first else None
