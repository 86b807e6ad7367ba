"""Frames into a file of nothing but picture, by one ffmpeg."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.probe import probe
from autoencode.film.stack import Size, Stack
from autoencode.film.timeline import scan

Layout = Literal["single", "side_by_side"]

LARGEST = 16384
"""Pixels of a side: beyond it H.264's decoders give up."""


def default_height(size: Size) -> int:
    """Rows of a film made from (width, height) frames: their smallest even multiple at least 480 wide."""
    width, height = size
    times = max(1, -(-480 // width))
    return height * times if height * times % 2 == 0 else height * (times + 1)


@dataclass(frozen=True)
class Format:
    """What the picture of a film is made of, and how: H.264, BT.709, limited range, 4:2:0.

    Raises:
      ValueError: the fields do not go together.
    """

    size: Size  # (width, height) of the frames
    rate: Fraction  # frames per second
    height: int  # rows of the film, even; the frames are enlarged to it with Lanczos, in proportion
    layout: Layout = "single"  # the frames alone; or side_by_side: the source's views left, the frames right
    view_size: Size | None = None  # (width, height) of the views; for side_by_side alone
    crf: int = 18  # H.264's quality, 0 best to 51 worst

    def __post_init__(self) -> None:
        """Refuses what cannot be written."""
        if (self.layout == "side_by_side") != (self.view_size is not None):
            raise ValueError("view_size belongs to side_by_side, and only to it")
        if self.height % 2 or self.height <= 0:
            raise ValueError(f"the film's height must be even and positive, not {self.height}")

    @property
    def shown_size(self) -> Size:
        """(width, height) of the film."""
        wide = 2 * round(self.size[0] * self.height / self.size[1] / 2)
        return wide * (1 if self.view_size is None else 2), self.height

    @property
    def stack(self) -> Stack:
        """How a frame and its view travel."""
        return Stack(self.size, self.view_size)

    @property
    def graph(self) -> str:
        """The filters from the stack to the film."""
        small, view = self.stack.small, self.stack.view
        if view is None:
            return f"[0:v]{self._enlarge(small)},{_TO_VIDEO}[out]"
        return (
            "[0:v]split[a][b];"
            f"[a]crop={view[0]}:{view[1]}:0:0,{self._enlarge(view)}[left];"
            f"[b]crop={small[0]}:{small[1]}:0:{view[1]},{self._enlarge(small)}[right];"
            f"[left][right]hstack,{_TO_VIDEO}[out]"
        )

    def _enlarge(self, size: Size) -> str:
        width = 2 * round(size[0] * self.height / size[1] / 2)
        return f"scale={width}:{self.height}:flags=lanczos+accurate_rnd+full_chroma_int,format=gbrp,setsar=1"


# Enlarged as RGB first, so that the chroma of a small frame is not halved before it grows.
_TO_VIDEO = (
    "scale=flags=accurate_rnd:out_color_matrix=bt709:out_range=tv,format=yuv420p,"
    # As options of the encoder the tags would give way to the frames' own, which say "unknown".
    "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
)


class Encoder:
    """Writes one file, and vouches for it.

        encoder = Encoder(film, path, format)
        encoder.write(pixels)
        encoder.finish()    # or stop()

    Raises, from any method:
      UserError: ffmpeg failed, the disk is full.
    """

    def __init__(self, film: Path, path: Path, form: Format) -> None:
        """Starts ffmpeg. `film` is what errors are about: the file at `path` is a part of it."""
        self.path = path
        self._film = film
        self.frames = 0  # written so far
        self._stack = form.stack
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        command = [ffmpeg.binary(), "-hide_banner", "-v", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{form.stack.width}x{form.stack.height}"]
        command += ["-r", str(form.rate), "-i", "pipe:0", "-filter_complex", form.graph, "-map", "[out]"]
        command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(form.crf)]
        # passthrough: a frame in is a frame out, whatever rate ffmpeg reads into the time base.
        command += ["-fps_mode", "passthrough", "-map_metadata", "-1", ffmpeg.target(path)]
        self._process = subprocess.Popen(
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
    full = "No space left" in words or "SIGXFSZ" in words  # the disk, or a limit on a file's size
    mend = "make room on the disk" if full else "try another --output, --height or --layout"
    return UserError(f"{film}: ffmpeg could not write it ({words}); {mend}")


def check_count(film: Path, path: Path, frames: int) -> None:
    """Counts the pictures that really lie in a file: ffmpeg's exit status of 0 proves little.

    Raises:
      UserError: there are not so many.
    """
    try:
        found = scan(probe(path)).count
    except UserError as error:
        raise UserError(f"{film}: came out broken ({error}); try again") from None
    if found != frames:
        raise UserError(f"{film}: {found} of {frames} frames arrived in it; try again")
