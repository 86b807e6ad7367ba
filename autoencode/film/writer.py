"""A film that is either whole or not there, and whose whole parts outlive whatever stops its making."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np

from autoencode.errors import UserError
from autoencode.files import locked
from autoencode.film.encode import LARGEST, Encoder, Format, Layout
from autoencode.film.join import COPIED, Sound, join
from autoencode.film.probe import probe
from autoencode.film.stack import Size
from autoencode.film.timeline import scan
from autoencode.interrupt import deferred

PART = 1024
"""Frames of a part: what is lost, at most, when a rendering is stopped. Whole batches of the networks."""


class FilmWriter:
    """Writes H.264 (BT.709, limited range, 4:2:0) with the source's sound: mp4, mov or mkv by suffix.

    The picture grows part by part in a hidden folder beside `path`; when all are there they are joined and
    the film takes its place. After any failure an earlier film at `path` is as it was, and the parts that
    are whole stay, for the next writer of the same film to go on from.

        with FilmWriter(path, (96, 64), rate, height=320, sound=sound, made_of="…") as film:
            for pixels in frames[film.frames :]:
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
        made_of: str = "",
    ) -> None:
        """Checks what can be checked; files are touched with the `with` block.

        Args:
          path: the film to make.
          size: (width, height) of the frames that `write` is given.
          rate: frames per second.
          height: as in `Format`; so are layout, view_size, crf.
          layout: how the frames are shown.
          view_size: (width, height) of the views.
          crf: the quality.
          sound: the source's, or None for silence.
          made_of: all that decides the frames. Parts that were made of the same are kept and taken up;
            without it none are.
        """
        self.path = Path(path)
        if self.path.suffix.lower() not in COPIED:
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
        self.format = Format(size, Fraction(rate), height, layout, view_size, crf)
        width, height = self.format.shown_size
        if max(width, height) > LARGEST:
            raise UserError(
                f"{self.path}: {width}x{height} is more than H.264 can hold; choose a smaller --height"
            )
        self._sound = sound
        self._made_of = f"{made_of}\n{self.format}\n" if made_of else ""
        self._folder = self.path.with_name(f".{self.path.name}.parts")
        self._kept = 0  # frames in whole parts
        self._encoder: Encoder | None = None
        self._open = ExitStack()

    def __enter__(self) -> FilmWriter:
        self._folder.mkdir(exist_ok=True)
        with ExitStack() as opening:
            busy = f"{self.path}: is being written by another process; wait for it"
            opening.enter_context(locked(self._folder / "lock", busy))
            opening.callback(self._clear)
            self._take_up()
            self._open = opening.pop_all()
        return self

    @property
    def frames(self) -> int:
        """Those that are there already: of parts that were taken up, and written since."""
        return self._kept + (self._encoder.frames if self._encoder else 0)

    def write(self, pixels: np.ndarray, view: np.ndarray | None = None) -> None:
        """Adds a frame: pixels uint8 (height, width, 3) of `size`; view likewise of `view_size`."""
        if self._encoder is None:
            # Between ffmpeg's fork and our knowing of it, it cannot be stopped.
            with deferred():
                self._encoder = Encoder(self.path, self._folder / "partial.mp4", self.format)
        self._encoder.write(pixels, view)
        if self._encoder.frames == PART:
            self._end_part()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            if kind is None:
                self._finish()
        if kind is KeyboardInterrupt and self._parts:
            raise KeyboardInterrupt(
                f"interrupted; {self._kept:,} frames are kept: typed again, it goes on there"
            ) from error

    @property
    def _parts(self) -> list[Path]:
        """Those that are whole, in order: each is named after its first frame."""
        return sorted(self._folder.glob("[0-9]*.mp4"))

    def _take_up(self) -> None:
        """Finds out what is there already; clears away what is of no use."""
        of = self._folder / "made_of"
        if not self._made_of or not of.exists() or of.read_text() != self._made_of:
            for part in self._parts:
                part.unlink()
            of.write_text(self._made_of)
        for number, part in enumerate(self._parts):
            if part.stem != f"{number * PART:09d}":  # somebody took one away
                part.unlink()
        if self._parts:  # all have PART frames, but for the film's last
            self._kept = (len(self._parts) - 1) * PART + scan(probe(self._parts[-1])).count

    def _end_part(self) -> None:
        self._encoder.finish()
        self._encoder.path.replace(self._folder / f"{self._kept:09d}.mp4")
        self._kept, self._encoder = self.frames, None

    def _finish(self) -> None:
        if self.frames == 0:
            raise UserError(f"{self.path}: no frame was written, so no film was made; check the source")
        if self._encoder is not None:
            self._end_part()
        join(self._parts, self.format.rate, self._sound, self.path, self.frames)
        for part in self._parts:
            part.unlink()

    def _clear(self) -> None:
        """Leaves nothing but the film, if it is whole, or the parts that are."""
        if self._encoder is not None:
            self._encoder.stop()
            self._encoder.path.unlink(missing_ok=True)
        if not self._made_of or not self._parts:
            shutil.rmtree(self._folder, ignore_errors=True)
