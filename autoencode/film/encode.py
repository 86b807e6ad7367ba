"""Frames into a file of nothing but picture, by one ffmpeg."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from autoencode.errors import NoRoomError, UserError
from autoencode.film import ffmpeg
from autoencode.film.format import Format
from autoencode.film.probe import probe
from autoencode.film.scan import scan


class Encoder:
    """Writes one file, and vouches for it.

        encoder = Encoder(film, path, format, first=0)
        encoder.write(pixels)
        encoder.finish()    # or stop()

    Raises, from any method:
      UserError: ffmpeg failed, the disk is full.
    """

    def __init__(self, film: Path, path: Path, form: Format, first: int) -> None:
        """Starts ffmpeg.

        Args:
          film: what errors are about; the file is a part of it.
          path: the file to write.
          form: of what, and how.
          first: place in the film of the first frame to come.
        """
        self.path = path
        self._film = film
        self.frames = 0  # written so far
        self._stack = form.stack
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        command = ["-v", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{form.stack.width}x{form.stack.height}"]
        command += ["-r", str(form.rate), "-i", "pipe:0"]
        if form.titles:
            titles = path.with_name("titles.png")
            imageio.imwrite(titles, form.overlay)
            command += ffmpeg.source(titles)
        command += ["-filter_complex", form.graph(first), "-map", "[out]", *form.encoder]
        # passthrough: a frame in is a frame out, whatever rate ffmpeg reads into the time base.
        command += ["-fps_mode", "passthrough", "-map_metadata", "-1", ffmpeg.target(path)]
        path.unlink(missing_ok=True)  # an ffmpeg of a process that was killed may still write to it
        self._process = ffmpeg.start(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._complaints
        )

    def write(self, pixels: np.ndarray, view: np.ndarray | None = None) -> None:
        """Adds a frame: pixels uint8 (height, width, 3) of the format's size; view likewise of its view's."""
        raw = self._stack.join(pixels, view)
        try:
            self._process.stdin.write(raw.data)
        except BrokenPipeError:
            raise self._failure() from None
        self.frames += 1

    def finish(self) -> None:
        """Ends the file; when this returns it is whole."""
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            raise self._failure() from None
        if self._process.wait() != 0:
            raise self._failure()
        self._complaints.close()
        check_count(self._film, self.path, self.frames)

    def stop(self) -> None:
        """Ends ffmpeg, whatever it was doing; the file is of no use then."""
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._complaints.close()

    def _failure(self) -> UserError:
        status = self._process.wait()
        self._complaints.seek(0)
        return failure(self._film, self._complaints.read(), status)


def failure(film: Path, complaints: bytes, status: int) -> UserError:
    """What ffmpeg complained of when it wrote a film, or a part of it."""
    words = ffmpeg.last_words(complaints, status)
    # The disk, whoever of ffmpeg's parts said it, or a limit on a file's size.
    if b"No space left" in complaints or "SIGXFSZ" in words:
        return NoRoomError(f"{film}: ffmpeg could not write it ({words}); make room on the disk")
    mend = "try another --output, --height or --layout"
    return UserError(f"{film}: ffmpeg could not write it ({words}); {mend}")


def check_count(film: Path, path: Path, frames: int) -> list[str]:
    """Counts the pictures that really lie in a file: ffmpeg's exit status of 0 proves little.

    Returns:
      What else is to be known of it.

    Raises:
      UserError: there are not so many.
    """
    try:
        timeline = scan(probe(path))
    except UserError as error:
        raise UserError(f"{film}: came out broken ({error}); try again") from None
    if timeline.count != frames:
        raise UserError(f"{film}: {timeline.count} of {frames} frames arrived in it; try again")
    return timeline.damage.notes
