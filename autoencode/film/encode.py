"""Frames and the source's sound into a new film that is either whole or not there."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

import numpy as np

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.probe import FilmInfo, probe
from autoencode.film.stack import Size, Stack
from autoencode.film.timeline import scan
from autoencode.interrupt import deferred

Layout = Literal["single", "side_by_side"]

# Sound that each container takes as it is; any other is encoded to AAC. None: it takes all.
_COPIED = {
    ".mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"},
    ".mkv": None,
}


LARGEST = 16384
"""Pixels of a side: beyond it H.264's decoders give up."""


@dataclass(frozen=True)
class Sound:
    """Which part of the source's sound goes with the frames, in seconds."""

    film: FilmInfo
    start: float = 0.0  # since the file's start
    duration: float | None = None  # None: to the end
    delay: float = 0.0  # how long after `start` the first picture comes


def default_height(size: Size) -> int:
    """Rows of a film made from (width, height) frames: their smallest even multiple at least 480 wide."""
    width, height = size
    times = max(1, -(-480 // width))
    return height * times if height * times % 2 == 0 else height * (times + 1)


class FilmWriter:
    """Writes H.264 (BT.709, limited range, 4:2:0) with the source's sound: mp4, mov or mkv by suffix.

    The film grows under a hidden name beside `path` and takes its place when it is whole. After any
    failure nothing is left of it and an earlier film at `path` is as it was.

        with FilmWriter(path, (96, 64), rate, height=320, layout="single", sound=sound) as film:
            film.write(pixels)

    Raises, from any method:
      UserError: the suffix or the folder does not do, the disk is full, ffmpeg failed.
    """

    def __init__(
        self,
        path: str | Path,
        size: Size,
        rate: Fraction,
        *,
        height: int,
        layout: Layout = "single",
        view_size: Size | None = None,
        crf: int = 18,
        sound: Sound | None = None,
    ) -> None:
        """Checks what can be checked; ffmpeg starts with the `with` block.

        Args:
          path: the film to make.
          size: (width, height) of the frames that `write` is given.
          rate: frames per second.
          height: rows of the film; the frames are enlarged to it with Lanczos, in proportion. Even.
          layout: "single": the frames alone. "side_by_side": the source's view left, the frames right.
          view_size: (width, height) of the views; for side_by_side alone.
          crf: H.264's quality, 0 best to 51 worst.
          sound: the source's, or None for silence.
        """
        self.path = Path(path)
        if self.path.suffix.lower() not in _COPIED:
            raise UserError(f"{self.path}: a film's name must end in .mp4, .mov or .mkv; rename the output")
        if not self.path.parent.is_dir():
            raise UserError(f"{self.path}: the folder {self.path.parent} does not exist; create it first")
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise UserError(
                f"{self.path}: the folder {self.path.parent} cannot be written to; choose another --output"
            )
        if self.path.is_dir():
            raise UserError(f"{self.path}: is a folder; give the output another name")
        if sound is not None and self.path.exists() and self.path.samefile(sound.film.path):
            raise UserError(f"{self.path}: is the source film itself; give the output another name")
        if (layout == "side_by_side") != (view_size is not None):
            raise ValueError("view_size belongs to side_by_side, and only to it")
        if height % 2 or height <= 0:
            raise ValueError(f"the film's height must be even and positive, not {height}")
        width = round(height * size[0] / size[1]) * (1 if view_size is None else 2)
        if max(width, height) > LARGEST:
            raise UserError(
                f"{self.path}: {width}x{height} is more than H.264 can hold; choose a smaller --height"
            )
        self.frames = 0  # written so far
        self._partial = self.path.with_name(f".{self.path.stem}.partial{self.path.suffix}")
        self._stack = Stack(size, view_size)
        self._rate, self._height, self._crf, self._sound = Fraction(rate), height, crf, sound
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> FilmWriter:
        try:
            # Between its fork and our knowing of it, ffmpeg cannot be stopped.
            with deferred():
                self._begin()
        except BaseException:
            self._clear()
            raise
        return self

    def write(self, pixels: np.ndarray, view: np.ndarray | None = None) -> None:
        """Adds a frame: pixels uint8 (height, width, 3) of `size`; view likewise of `view_size`."""
        raw = self._stack.join(pixels, view)
        try:
            self._process.stdin.write(raw.data)
        except BrokenPipeError:
            raise self._failure() from None
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._clear()

    def _begin(self) -> None:
        lock = self._partial.open("ab")  # ffmpeg will write to this very file
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise UserError(f"{self.path}: is being written by another process; wait for it") from None
        self._lock = lock
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed by _clear)
        self._process = subprocess.Popen(
            self._command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._complaints
        )

    def _clear(self) -> None:
        """Leaves nothing but the film, if it is whole."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            self._complaints.close()
        if self._lock is not None:
            self._partial.unlink(missing_ok=True)
            self._lock.close()

    def _finish(self) -> None:
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            raise self._failure() from None
        if self.frames == 0:
            raise UserError(f"{self.path}: no frame was written, so no film was made; check the source")
        if self._process.wait() != 0:
            raise self._failure()
        # An exit status of 0 proves little: count the pictures that really lie in the file.
        try:
            found = scan(probe(self._partial)).count
        except UserError as error:
            raise UserError(f"{self.path}: the film came out broken ({error}); try again") from None
        if found != self.frames:
            raise UserError(f"{self.path}: {found} of {self.frames} frames arrived in the film; try again")
        self._partial.replace(self.path)

    def _failure(self) -> UserError:
        status = self._process.wait()
        self._complaints.seek(0)
        words = ffmpeg.last_words(self._complaints.read(), status)
        full = "No space left" in words or "SIGXFSZ" in words  # the disk, or a limit on a file's size
        mend = "make room on the disk" if full else "try another --output, --height or --layout"
        return UserError(f"{self.path}: ffmpeg could not write it ({words}); {mend}")

    def _command(self) -> list[str]:
        stack, sound = self._stack, self._sound
        command = [ffmpeg.binary(), "-hide_banner", "-v", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{stack.width}x{stack.height}"]
        command += ["-r", str(self._rate), "-i", "pipe:0"]
        if sound is not None:
            command += [*_part(sound), *ffmpeg.source(sound.film.path)]
        command += ["-filter_complex", self._graph(), "-map", "[out]"]
        if sound is not None:
            command += ["-map", "1:a?", *self._sound_codecs(sound)]
        command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(self._crf)]
        # passthrough: a frame in is a frame out, whatever rate ffmpeg reads into the time base.
        command += ["-fps_mode", "passthrough", "-map_metadata", "-1"]
        if self._late():
            command += ["-enc_time_base", str(self._tick)]
        if self.path.suffix.lower() != ".mkv":
            command += ["-movflags", "+faststart"]
        command += [ffmpeg.target(self._partial)]
        if sound is not None:
            # ffmpeg counts an MPEG-TS from the first stream in use. Keeping the source's picture in use, for
            # nothing else, stops sound that starts late from coming early.
            command += ["-map", "1:V:0", "-c", "copy", "-f", "null", "-"]
        return command

    @property
    def _tick(self) -> Fraction:
        """Time base in seconds: a sixteenth of a frame, so that lateness is not rounded to whole frames."""
        return 1 / (self._rate * 16)

    def _late(self) -> str:
        """The filters that hold the first picture back until the sound has come as far."""
        # Not -itsoffset: ffmpeg ignores it on raw video.
        delay = self._sound.delay if self._sound else 0
        return f",settb={self._tick},setpts=PTS+{delay:.6f}/TB" if delay > 0 else ""

    def _sound_codecs(self, sound: Sound) -> list[str]:
        taken = _COPIED[self.path.suffix.lower()]
        # A copy would otherwise begin at the key frame of the picture before the excerpt.
        options = ["-copypriorss:a", "0"] if sound.start > 0 else []
        for track, codec in enumerate(sound.film.audio):
            copied = taken is None or codec in taken
            options += (
                [f"-c:a:{track}", "copy"] if copied else [f"-c:a:{track}", "aac", f"-b:a:{track}", "192k"]
            )
        return options

    def _graph(self) -> str:
        small, view = self._stack.small, self._stack.view
        if view is None:
            return f"[0:v]{self._enlarge(small)},{_TO_VIDEO}{self._late()}[out]"
        return (
            "[0:v]split[a][b];"
            f"[a]crop={view[0]}:{view[1]}:0:0,{self._enlarge(view)}[left];"
            f"[b]crop={small[0]}:{small[1]}:0:{view[1]},{self._enlarge(small)}[right];"
            f"[left][right]hstack,{_TO_VIDEO}{self._late()}[out]"
        )

    def _enlarge(self, size: Size) -> str:
        width = 2 * round(size[0] * self._height / size[1] / 2)
        return f"scale={width}:{self._height}:flags=lanczos+accurate_rnd+full_chroma_int,format=gbrp,setsar=1"


# Enlarged as RGB first, so that the chroma of a small frame is not halved before it grows.
_TO_VIDEO = (
    "scale=flags=accurate_rnd:out_color_matrix=bt709:out_range=tv,format=yuv420p,"
    # As options of the encoder the tags would give way to the frames' own, which say "unknown".
    "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
)


def _part(sound: Sound) -> list[str]:
    options = ["-ss", f"{sound.start:.6f}"] if sound.start > 0 else []
    return options + (["-t", f"{sound.duration:.6f}"] if sound.duration is not None else [])
