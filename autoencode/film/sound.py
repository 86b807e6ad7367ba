"""When the sound of a film begins, read from the film."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

from autoencode.film import ffmpeg
from autoencode.film.probe import probe


def tracks(path: Path) -> list[dict[str, Any]]:
    """Each track of a film's sound: its `codec`, and when it `begins`, in seconds after the first picture.

    Counted is the first sample that a player plays, so it is decoded; None: there is none.
    """
    film = probe(path)
    command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "quiet", "-copyts"]
    command += [*ffmpeg.source(path), "-map", "0:V:0", "-map", "0:a?", "-c:a", "pcm_s16le", "-frames", "1"]
    ran = subprocess.run(
        [*command, "-f", "framecrc", "-"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    begins: dict[str, Fraction] = {}
    bases: dict[str, Fraction] = {}
    for line in ran.stdout.decode(errors="replace").splitlines():
        if line.startswith("#tb "):
            stream, _, base = line[4:].partition(": ")
            bases[stream] = Fraction(base)
        elif not line.startswith("#"):
            stream, _, shown = (column.strip() for column in line.split(",")[:3])
            begins.setdefault(stream, int(shown) * bases[stream])
    first = begins.get("0", Fraction(0))
    begun = [begins.get(str(track)) for track in range(1, len(film.audio) + 1)]
    return [
        {"codec": codec, "begins": None if begin is None else round(float(begin - first), 6)}
        for codec, begin in zip(film.audio, begun, strict=True)
    ]
