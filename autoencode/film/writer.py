"""A film that is either whole or not there, and whose whole parts outlive whatever stops its making."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np

from autoencode.errors import DamagedError, NoRoomError, UserError
from autoencode.files import check_name, locked, take_place, whole
from autoencode.film.companions import Companions
from autoencode.film.damage import Damage
from autoencode.film.encode import Encoder
from autoencode.film.folder import state_of
from autoencode.film.format import CODECS, LARGEST, Format
from autoencode.film.join import MARK, is_placed, join, unfold
from autoencode.film.probe import probe
from autoencode.film.scan import scan
from autoencode.interrupt import deferred

PART = (256, 1024)
"""Frames of a part: as many as there are before it, but at least and at most these. Whole batches.

What is lost when a rendering is stopped is little then, or no more than is kept, and of the parts, each of
which costs a start of ffmpeg, there are few. One is shorter where the film ends or its source is damaged.
"""


class FilmWriter:
    """Writes a picture with the source's sound, subtitles and chapters: mp4, mov or mkv by suffix.

    The picture grows part by part in a hidden folder beside `path`; when all are there they are joined and
    the film takes its place. After any failure an earlier film at `path` is as it was, and the parts that
    are whole stay, for the next writer of the same film to go on from.

        with FilmWriter(path, Format((96, 64), rate, 320), source, made_of="…") as film:
            for pixels in frames[film.frames :]:
                film.write(pixels)

    Raises, from any method:
      UserError: the suffix or the folder does not do, the disk is full, ffmpeg failed.
    """

    def __init__(
        self, path: str | Path, form: Format, source: Companions | None = None, made_of: str = ""
    ) -> None:
        """Checks what can be checked; files are touched with the `with` block.

        Args:
          path: the film to make.
          form: its picture.
          source: whose sound, subtitles and chapters come along, or None: none.
          made_of: all that decides the frames. Parts that were made of the same are kept and taken up;
            without it none are.
        """
        self.path = Path(path)
        self.format = form
        taken = CODECS[form.codec].suffixes
        if taken and self.path.suffix.lower() not in taken:
            raise UserError(
                f"{self.path}: the name of a film in {form.codec} must end in {' or '.join(taken)};"
                " rename the output"
            )
        if self.path.name in ("", ".."):
            raise UserError(
                f"{path}: a folder that is there already; name one to be made in it, as in --output=pictures/"
            )
        if not self.path.parent.is_dir():
            raise UserError(f"{self.path}: the folder {self.path.parent} does not exist; create it first")
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise UserError(
                f"{self.path}: the folder {self.path.parent} cannot be written to; choose another --output"
            )
        check_name(self.path, "shorten --output")
        if form.codec == "png" and self.path.is_file():
            raise UserError(f"{self.path}: is a file; give the folder another name")
        if self.path.is_dir() and not (form.codec == "png" and _is_sequence(self.path)):
            raise UserError(f"{self.path}: is a folder with something in it; give the output another name")
        if source and self.path.exists() and self.path.samefile(source.film.path):
            raise UserError(f"{self.path}: is the source film itself; give the output another name")
        width, height = form.shown_size
        if max(width, height) > LARGEST:
            raise UserError(
                f"{self.path}: {width}x{height} is more than players can show;"
                " choose a smaller --height or --size"
            )
        self.source = source
        self._source_bytes = self._bytes_of_source(source)
        self.made_of = f"{made_of}\n{self.format}\n" if made_of else ""
        self._folder = self.path.with_name(f".{self.path.name}.parts")
        self._busy = f"{self.path}: is being written by another process; wait for it"
        self._kept = 0  # frames in whole parts
        self._ended = 0  # frames in those, and in the one that is being ended
        self.begins_anew = False
        """Whether there were parts that were made of something else; they are gone."""
        self.damage = Damage(self.path)
        """What is wrong with the film that the frames are of; kept with their parts."""
        self.before: Callable[[], object] = lambda: None
        """Called when the film is whole, and before it takes its place."""
        self.then: Callable[[], object] = lambda: None
        """Called when the film is whole."""
        self._encoder: Encoder | None = None
        self._enders: ThreadPoolExecutor
        self._ending: Future | None = None
        self._open = ExitStack()

    @property
    def placed(self) -> bool:
        """Whether what is at `path` was made of the parts that are there."""
        return is_placed(self._folder, self.path)

    @property
    def begun(self) -> bool:
        """Whether there are parts, of a rendering that did not come to its end."""
        return self._folder.is_dir()

    def clear(self) -> None:
        """Clears away the parts of this film, left by a power cut after it took its place."""
        of = self._folder / "made_of"
        if self._folder.is_dir() and (not of.exists() or of.read_text() == self.made_of):
            with locked(self._folder / "lock", self._busy):
                shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> FilmWriter:
        self._folder.mkdir(exist_ok=True)
        with ExitStack() as opening:
            opening.enter_context(locked(self._folder / "lock", self._busy))
            opening.callback(self._clear)
            self._take_up()
            self._enders = opening.enter_context(ThreadPoolExecutor(1))
            self._open = opening.pop_all()
        return self

    @property
    def frames(self) -> int:
        """Those that are there already: of parts that were taken up, and written since."""
        return self._ended + (self._encoder.frames if self._encoder else 0)

    def write(self, pixels: np.ndarray, view: np.ndarray | None = None) -> None:
        """Adds a frame: pixels uint8 (height, width, 3) of the format's size; view likewise of its views'."""
        if self._ending and self._ending.done():
            self._settle()
        if self._encoder is None:
            # Between ffmpeg's fork and our knowing of it, it cannot be stopped.
            with deferred():
                partial = self._folder / f"partial-{self._ended:09d}{self._part_suffix}"
                self._encoder = Encoder(self.path, partial, self.format, self._ended)
        self._encoder.write(pixels, view)
        if self._encoder.frames >= np.clip(self._ended, *PART):
            self.end_part()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        met = None
        try:
            with self._open:
                if kind is None:
                    self._finish()
                elif kind is DamagedError:
                    self.end_part()  # the source may never get better, so these are all there will be
                    self._settle()
        except (KeyboardInterrupt, DamagedError, NoRoomError) as failure:
            kind, error, met = type(failure), failure, failure
        if kind is KeyboardInterrupt and self._parts:
            raise KeyboardInterrupt(
                f"interrupted; {self._kept:,} frames are kept: typed again, it goes on there"
            ) from error
        if kind in (DamagedError, NoRoomError) and self._parts:
            raise kind(f"{error}: {self._kept:,} frames are kept, and it goes on there") from error
        if met:
            raise met

    @property
    def _parts(self) -> list[Path]:
        """Those that are whole, in order: each is named after its first frame."""
        return sorted(self._folder.glob(f"[0-9]*{self._part_suffix}"))

    @property
    def _part_suffix(self) -> str:
        return CODECS[self.format.codec].part

    def _take_up(self) -> None:
        """Finds out what is there already; clears away what is of no use."""
        of, damage = self._folder / "made_of", self._folder / "damage"
        try:
            found = Damage.load(damage)
            same = bool(self.made_of) and of.read_text() == self.made_of
        except (OSError, ValueError):  # not there, or torn
            same = False
        if same and self._parts:
            self.damage = found
        if not same:
            others = list(self._folder.glob("[0-9]*"))
            self.begins_anew = bool(others)
            for part in (*others, damage):
                part.unlink(missing_ok=True)
            with whole(of) as partial:
                partial.write_text(self.made_of)
        for partial in self._folder.glob("partial-*"):
            partial.unlink()  # of a process that was killed
        parts = self._parts
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = list(pool.map(_frames_in, parts))
        for part, frames in zip(parts, counts, strict=True):
            if frames and part.stem == f"{self._kept:09d}":
                self._kept += frames
            else:  # torn by a power cut, or behind one that is gone
                part.unlink()
        self._ended = self._kept

    def end_part(self) -> None:
        """Has the open part ended, while the next one begins: an encoder holds seconds of frames."""
        self._settle()
        if self._encoder is None:
            return
        encoder, first = self._encoder, self._ended
        self._ended, self._encoder = self.frames, None
        self._ending = self._enders.submit(self._keep, encoder, first)

    def _keep(self, encoder: Encoder, first: int) -> None:
        encoder.finish()
        if self.damage.notes:
            self.damage.save(self._folder / "damage")
        take_place(encoder.path, self._folder / f"{first:09d}{self._part_suffix}")
        self._kept = first + encoder.frames

    def _settle(self) -> None:
        """Waits until the part that is being ended is whole."""
        if self._ending:
            self._ending.result()
            self._ending = None

    def _finish(self) -> None:
        if self.frames == 0:
            raise UserError(f"{self.path}: no frame was written, so no film was made; check the source")
        self.end_part()
        self._settle()
        if self.format.codec == "png":
            unfold(self._parts, self.format.rate, self.path, self.frames, self._make_ready)
        else:
            made_of = (self._parts, self.format.rate, self.source)
            notes = join(*made_of, self.path, self.frames, self.damage, self._make_ready)
            for note in notes:
                if note not in self.damage.notes:  # the source had it too
                    self.damage.note(f"in the new film: {note}")
        self.then()  # before the parts go: until then all of it can be made again of them
        for part in self._parts:
            part.unlink()

    def _make_ready(self) -> None:
        """The last that is done before the film takes its place."""
        film = self.source and self.source.film.path
        if film and film.exists() and self._bytes_of_source(self.source) < self._source_bytes:
            # How much of its sound is gone nobody knows.
            self.damage.found("became shorter while it was read")
        self.before()

    @staticmethod
    def _bytes_of_source(source: Companions | None) -> int:
        return state_of(source.film.path)[0] if source and source.film.path.exists() else 0

    def _clear(self) -> None:
        """Leaves nothing but the film, if it is whole, or the parts that are."""
        if self._encoder is not None:
            self._encoder.stop()
        for partial in self._folder.glob("partial-*"):
            partial.unlink()
        if not self.made_of or not self._parts:
            shutil.rmtree(self._folder, ignore_errors=True)


def _is_sequence(folder: Path) -> bool:
    """Whether a folder is empty, or holds nothing but an earlier rendering's pictures, and its mark."""
    names = {entry.name for entry in folder.iterdir()}
    ours = all(re.fullmatch(r"\d{8}\.png", name) for name in names - {MARK})
    return not names or (MARK in names and ours)


def _frames_in(part: Path) -> int:
    """How many frames a part has; 0 if it is torn."""
    try:
        return scan(probe(part)).count
    except UserError:
        return 0
