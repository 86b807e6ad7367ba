"""Parts of a picture, and what the source had beside its own, into one film."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from autoencode.errors import UserError
from autoencode.files import to_disk
from autoencode.film import ffmpeg
from autoencode.film.encode import check_count, failure
from autoencode.film.probe import FilmInfo

_EVERYWHERE = {"aac", "mp3", "ac3", "eac3", "alac"}
_PCM = {"pcm_s16le", "pcm_s16be", "pcm_s24le"}
COPIED = {
    ".mp4": _EVERYWHERE | {"opus", "flac"},
    ".mov": _EVERYWHERE | _PCM,
    ".mkv": _EVERYWHERE | _PCM | {"mp2", "dts", "truehd", "mlp", "flac", "opus", "vorbis", "tta", "wavpack"},
}
"""Sound that each container takes as it is; any other is encoded to AAC."""

CONTENTS = "parts.ffconcat"
MARK = ".rendered"
"""A file that says that a folder of pictures was rendered, and may be replaced."""


_TEXT = {"subrip", "ass", "ssa", "webvtt", "mov_text", "text"}
_PICTURES = {"dvd_subtitle", "hdmv_pgs_subtitle", "dvb_subtitle"}
"""Subtitles that are pictures, which only Matroska takes."""


@dataclass(frozen=True)
class Companions:
    """What of the source goes with the frames, sound, subtitles and chapters, and which part, in seconds."""

    film: FilmInfo
    start: float = 0.0  # since the file's start
    duration: float | None = None  # None: to the end
    delay: float = 0.0  # how long after `start` the first picture comes
    audio: Literal["all", "first", "none"] = "all"  # which tracks of sound
    jumps: bool = False  # the film's clock is set anew in between

    @property
    def sound(self) -> tuple[str, ...]:
        """Codec of each track that comes along."""
        return self.film.audio[: {"all": None, "first": 1, "none": 0}[self.audio]]


def join(
    parts: Sequence[Path], rate: Fraction, source: Companions | None, path: Path, frames: int
) -> list[str]:
    """Makes a film of parts that lie in one folder, without encoding their picture again.

    It grows in that folder, and takes its place when it is whole.

    Args:
      parts: files with the same kind of picture, in order, each named after the number of its first frame.
      rate: frames per second.
      source: whose sound, subtitles and chapters, or None: none.
      path: the film to make, mp4, mov or mkv by suffix.
      frames: how many the parts have.

    Returns:
      What was complained of, and what is missing in the sound that came along.

    Raises:
      UserError: the source is gone, ffmpeg failed, or not all frames arrived.
    """
    joined, evened = parts[0].with_name(f"joined{path.suffix.lower()}"), parts[0].with_name("evened.mkv")
    if source is not None and not source.film.path.exists():
        raise UserError(f"{source.film.path}: No such file any more; put it back, its sound is to come along")
    try:
        if source is not None and source.jumps:
            source = _evened(source, evened, path)
        said = _run(parts, rate, frames, _command(rate, source, joined), path)
        notes = [f"what came along did so with a complaint ({ffmpeg.last_words(said)})"] if said else []
        notes += check_count(path, joined, frames)
        to_disk(joined)
        joined.replace(path)
        return notes
    finally:
        joined.unlink(missing_ok=True)  # it may be what fills the disk
        evened.unlink(missing_ok=True)


def unfold(parts: Sequence[Path], rate: Fraction, path: Path, frames: int) -> None:
    """Makes a folder of PNGs of parts that lie in one folder: 00000001.png is the first.

    Args:
      parts: as in `join`.
      rate: frames per second.
      path: the folder; if it is there, it holds nothing but such pictures, and is replaced.
      frames: how many the parts have.

    Raises:
      UserError: ffmpeg failed, or not all frames arrived.
    """
    unfolded = parts[0].with_name("unfolded")
    shutil.rmtree(unfolded, ignore_errors=True)
    unfolded.mkdir()
    try:
        command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "error", "-f", "concat", "-i", CONTENTS]
        command += ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "unfolded/%08d.png"]
        _run(parts, rate, frames, command, path)
        found = len(list(unfolded.iterdir()))
        if found != frames:
            raise UserError(f"{path}: {found} of {frames} frames arrived in it; try again")
        (unfolded / MARK).touch()
        if path.exists():
            shutil.rmtree(path)
        unfolded.replace(path)
    finally:
        shutil.rmtree(unfolded, ignore_errors=True)


def _run(parts: Sequence[Path], rate: Fraction, frames: int, command: list[str], path: Path) -> bytes:
    """Returns what ffmpeg complained of."""
    folder = parts[0].parent
    # Told how long the parts are: Matroska has it in milliseconds, and the sum would wander off the beat.
    begins = [int(part.stem) for part in parts]
    lengths = [(end - begin) / rate for begin, end in zip(begins, [*begins[1:], frames], strict=True)]
    contents = "".join(
        f"file {part.name}\nduration {float(length):.6f}\n"
        for part, length in zip(parts, lengths, strict=True)
    )
    (folder / CONTENTS).write_text("ffconcat version 1.0\n" + contents)
    # From inside the folder: nothing in the names of its way could then be taken for syntax.
    ran = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if ran.returncode != 0:
        raise failure(path, ran.stderr, ran.returncode)
    return ran.stderr.strip()


def _evened(source: Companions, evened: Path, path: Path) -> Companions:
    """The same with a clock that runs on: a moment can only be found by one that does."""
    command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "error", "-y"]
    command += [*ffmpeg.source(source.film.path), "-map", "0:a?", "-map", "0:s?", "-c", "copy"]
    if not source.sound and not source.film.subtitles:
        return source
    ran = subprocess.run(
        [*command, ffmpeg.target(evened)], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if ran.returncode != 0:
        raise failure(path, ran.stderr, ran.returncode)
    return replace(source, film=replace(source.film, path=evened))


def _command(rate: Fraction, source: Companions | None, joined: Path) -> list[str]:
    # Holds the first picture back until the sound has come as far.
    delay = max(source.delay, 0.0) if source else 0.0
    command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "error", "-y"]
    command += ["-max_error_rate", "1"]  # sound that is broken must not cost the picture
    command += ["-itsoffset", f"{delay:.6f}", "-f", "concat", "-i", CONTENTS]
    if source is not None:
        command += [*_part(source), *ffmpeg.source(source.film.path.absolute())]
    command += ["-map", "0:v", "-c:v", "copy", "-bsf:v", _on_the_beat(rate, delay), "-map_metadata:g", "-1"]
    if source is not None:
        command += [*_sound(source, joined.suffix), *_subtitles(source, joined.suffix), "-map_chapters", "1"]
        if source.duration is not None:  # chapters and subtitles would follow
            command += ["-t", f"{source.duration:.6f}"]
    if joined.suffix != ".mkv":
        command += ["-movflags", "+faststart"]
    command += [ffmpeg.target(joined.name)]
    if source is not None and not source.jumps:
        # ffmpeg counts an MPEG-TS from the first stream in use. Keeping the source's picture in use, for
        # nothing else, stops sound that starts late from coming early.
        command += ["-map", "1:V:0", "-c", "copy", "-f", "null", "-"]
    return command


def _on_the_beat(rate: Fraction, delay: float) -> str:
    """Puts each picture exactly on its time: ffmpeg adds up the lengths of parts in whole microseconds."""
    late, beats = f"{delay:.6f}", f"({rate.numerator}/{rate.denominator})"
    times = [f"{ts.lower()}=(round(({ts}*TB-{late})*{beats})/{beats}+{late})/TB" for ts in ("PTS", "DTS")]
    return "setts=" + ":".join(times)


def _sound(source: Companions, suffix: str) -> list[str]:
    taken = COPIED[suffix]
    # A copy would otherwise begin at the key frame of the picture before the excerpt.
    options = ["-copypriorss:a", "0"] if source.start > 0 else []
    for track, codec in enumerate(source.sound):
        options += ["-map", f"1:a:{track}", f"-map_metadata:s:a:{track}", f"1:s:a:{track}"]
        copied = codec in taken
        options += [f"-c:a:{track}", "copy"] if copied else [f"-c:a:{track}", "aac", f"-b:a:{track}", "192k"]
    return options


def subtitles(film: FilmInfo, suffix: str) -> list[str | None]:
    """What becomes of each track of subtitles in a container: a codec, 'copy', or None: it is left out."""
    if suffix == ".mkv":
        return [
            "srt" if codec in ("mov_text", "text") else "copy" if codec in _TEXT | _PICTURES else None
            for codec in film.subtitles
        ]
    return ["mov_text" if codec in _TEXT else None for codec in film.subtitles]


def _subtitles(source: Companions, suffix: str) -> list[str]:
    options, made = [], 0
    for track, become in enumerate(subtitles(source.film, suffix)):
        if become is not None:
            options += ["-map", f"1:s:{track}", f"-map_metadata:s:s:{made}", f"1:s:s:{track}"]
            options += [f"-c:s:{made}", become]
            made += 1
    return options


def _part(source: Companions) -> list[str]:
    options = ["-ss", f"{source.start:.6f}"] if source.start > 0 else []
    return options + (["-t", f"{source.duration:.6f}"] if source.duration is not None else [])
