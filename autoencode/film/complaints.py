"""What a decoder complains of while it works, and which pictures it could not read whole."""

from __future__ import annotations

import os
import re
from typing import IO

from autoencode.film import ffmpeg
from autoencode.film.damage import Damage
from autoencode.film.decoder_log import CORRUPT, SPEAKER, decoder_log
from autoencode.film.probe import FilmInfo
from autoencode.film.timeline import clock

MOST_WORDS = 65536
"""Bytes of complaints that are read at once."""

AHEAD = 64
"""Pictures by which the decoder may be ahead of what it hands on, and what it says with it."""

APART = 8
"""Pictures that one of two decoders of the same film may give and the other not."""

_CHANGED = re.compile(SPEAKER + rb"\[info\] Reconfiguring filter graph .*, (\d+x\d+)")
_ERROR = re.compile(SPEAKER + rb"\[(error|fatal|panic)\] ")


class Complaints:
    """Of one ffmpeg that decodes a film from `seek` on, and speaks into `file`."""

    def __init__(self, film: FilmInfo, seek: float, file: IO[bytes], said: bytearray) -> None:
        """`said` gets a line of each error, but for those of pictures that `are_of` knows."""
        self._file, self._said, self._heard = file, said, 0
        self._second, self._corrupt = decoder_log(film.source, film.stream, seek), []
        self._suspect, self._taken, self._decoded = 0, 0, 0
        self._size = b"%dx%d" % (film.coded_width, film.coded_height)

    def listen(self) -> None:
        """Hears what it said since."""
        words = os.pread(self._file.fileno(), MOST_WORDS, self._heard)
        whole = words[: words.rfind(b"\n") + 1]
        self._heard += len(whole)
        for line in whole.splitlines(keepends=True):
            if _ERROR.match(line) and b" to muxer " not in line:  # of times that we did not ask it for
                self._said += line
                self._suspect = AHEAD
            elif CORRUPT.match(line):
                self._suspect = AHEAD
            elif (changed := _CHANGED.match(line)) and changed[1] != self._size:
                self._size = changed[1]
                self._said += b"the picture changes to %s\n" % self._size

    def are_of(self, time: float) -> bool:
        """Whether the picture of this timestamp, the next to come, could not be read whole.

        A decoder complains before it hands such a picture on, but does not say which it is, and of several
        threads not always that it is one. So after a complaint a second decoder, of one thread, goes the same
        way, a little ahead, and says it.
        """
        self._taken += 1
        if self._suspect:
            self._suspect -= 1
            while self._decoded < self._taken + APART and (picture := next(self._second, None)):
                self._decoded += 1
                if picture.corrupt:
                    self._corrupt.append(picture.time)
        for corrupt in self._corrupt:
            if abs(time - corrupt) < 5e-4:
                self._corrupt.remove(corrupt)
                self._said.clear()
                return True
        return False

    def close(self) -> None:
        """Ends the second decoder, if there is one."""
        self._second.close()


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
