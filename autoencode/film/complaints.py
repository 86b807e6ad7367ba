"""What a decoder complains of while it works, and which pictures it could not read whole."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from autoencode.film import ffmpeg
from autoencode.film.damage import Damage
from autoencode.film.probe import FilmInfo
from autoencode.film.timeline import clock

LEVEL = "repeat+level+info"
"""What ffmpeg is to say (its `-v`), for `Complaints` to understand."""

MOST_WORDS = 65536
"""Bytes of complaints that are read at once."""

AHEAD = 64
"""Pictures by which the decoder may be ahead of what it hands on, and what it says with it."""

_CORRUPT = b"corrupt decoded frame"
_CHANGED = re.compile(rb"Reconfiguring filter graph .*, (\d+x\d+)")
_ERROR = re.compile(rb"\[(error|fatal|panic)\] ")
_SHOWN = re.compile(rb"decoder -> pts:(-?\d+) .*time_base:(\d+)/(\d+)")


class Complaints:
    """Of one ffmpeg that decodes a film from `seek` on, and speaks into `file`."""

    def __init__(self, film: FilmInfo, seek: float, file: IO[bytes], said: bytearray) -> None:
        """`said` gets a line of each error, but for those of pictures that `are_of` knows."""
        self._file, self._said, self._heard = file, said, 0
        self._search, self._known, self._warned = _corrupt(film.path, seek), [], 0
        self._size = b"%dx%d" % (film.coded_width, film.coded_height)

    def listen(self) -> None:
        """Hears what it said since."""
        words = os.pread(self._file.fileno(), MOST_WORDS, self._heard)
        whole = words[: words.rfind(b"\n") + 1]
        self._heard += len(whole)
        for line in whole.splitlines(keepends=True):
            self._warned += _CORRUPT in line
            if _ERROR.search(line) and b" to muxer " not in line:  # of times that we did not ask it for
                self._said += line
            elif (changed := _CHANGED.search(line)) and changed[1] != self._size:
                self._size = changed[1]
                self._said += b"the picture changes to %s\n" % self._size

    def are_of(self, time: float) -> bool:
        """Whether the picture of this timestamp, of all the next to come, could not be read whole.

        The decoder warns of such a picture before it hands it on, but does not say which it is. Only then a
        second one goes the same way, and says when each is shown.
        """
        self._known += islice(self._search, self._warned)
        self._warned = 0
        for corrupt in self._known:
            if abs(time - corrupt) < 5e-4:
                self._known.remove(corrupt)
                self._said.clear()
                return True
        return False

    def close(self) -> None:
        """Ends the second decoder, if there is one."""
        self._search.close()


class Ear:
    """Notes the first complaint of a decoder that is not of one of the pictures that it gave up."""

    COMPLAINT = "decodes, but not without complaint"

    def __init__(self, damage: Damage, said: bytearray) -> None:
        """`said` is what `Complaints` fills."""
        self._damage, self._said, self._time, self._since = damage, said, 0.0, 0

    def listen(self, time: float) -> None:
        """Hears what was said by when the picture of this time came."""
        if not self._said:
            self._time, self._since = time, 0
        elif self._since < AHEAD:
            self._since += 1
        else:
            self.close()

    def close(self) -> None:
        """Notes what was said and is of no picture that came since."""
        if self._said.strip() and not any(note.startswith(self.COMPLAINT) for note in self._damage.notes):
            words = ffmpeg.last_words(bytes(self._said))
            self._damage.note(f"{self.COMPLAINT} soon after {clock(self._time)} ({words})")


def _corrupt(path: Path, seek: float) -> Iterator[float]:
    """The timestamps of the pictures that a decoder warns of, in seconds, in the order shown."""
    command = ["-v", LEVEL, "-nostats", "-debug_ts", "-copyts"]
    command += [*(["-ss", f"{seek:.6f}"] if seek > 0 else []), *ffmpeg.source(path)]
    command += ["-map", "0:V:0", "-fps_mode", "passthrough", "-f", "null", "-"]
    with ffmpeg.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            warned = False
            for line in process.stderr:
                warned |= _CORRUPT in line
                if warned and (shown := _SHOWN.search(line)):
                    pts, numerator, denominator = map(int, shown.groups())
                    warned = False
                    yield pts * numerator / denominator
        finally:
            process.kill()
