"""Parts of a picture, and the source's sound, into one film."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from autoencode.film import ffmpeg
from autoencode.film.encode import check_count, failure
from autoencode.film.probe import FilmInfo

# Sound that each container takes as it is; any other is encoded to AAC. None: it takes all.
COPIED = {
    ".mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"},
    ".mkv": None,
}


CONTENTS = "parts.ffconcat"


@dataclass(frozen=True)
class Sound:
    """Which part of the source's sound goes with the frames, in seconds."""

    film: FilmInfo
    start: float = 0.0  # since the file's start
    duration: float | None = None  # None: to the end
    delay: float = 0.0  # how long after `start` the first picture comes


def join(parts: Sequence[Path], rate: Fraction, sound: Sound | None, path: Path, frames: int) -> None:
    """Makes a film of parts that lie in one folder, without encoding their picture again.

    It grows in that folder, and takes its place when it is whole.

    Args:
      parts: files with the same kind of picture, in order.
      rate: frames per second.
      sound: the source's, or None for silence.
      path: the film to make, mp4, mov or mkv by suffix.
      frames: how many the parts have.

    Raises:
      UserError: ffmpeg failed, or not all frames arrived.
    """
    folder = parts[0].parent
    (folder / CONTENTS).write_text(
        "ffconcat version 1.0\n" + "".join(f"file {part.name}\n" for part in parts)
    )
    joined = folder / f"joined{path.suffix.lower()}"
    # From inside the folder: nothing in the names of its way could then be taken for syntax.
    ran = subprocess.run(
        _command(rate, sound, joined),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if ran.returncode != 0:
        joined.unlink(missing_ok=True)  # it may be what fills the disk
        raise failure(path, ran.stderr, ran.returncode)
    check_count(path, joined, frames)
    joined.replace(path)


def _command(rate: Fraction, sound: Sound | None, joined: Path) -> list[str]:
    # Holds the first picture back until the sound has come as far.
    delay = max(sound.delay, 0.0) if sound else 0.0
    command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "error", "-y"]
    command += ["-itsoffset", f"{delay:.6f}", "-f", "concat", "-i", CONTENTS]
    if sound is not None:
        command += [*_part(sound), *ffmpeg.source(sound.film.path.absolute())]
    command += ["-map", "0:v", "-c:v", "copy", "-bsf:v", _on_the_beat(rate, delay)]
    if sound is not None:
        command += ["-map", "1:a?", *_sound_codecs(sound, joined.suffix)]
    command += ["-map_metadata", "-1", "-map_chapters", "-1"]
    if joined.suffix != ".mkv":
        command += ["-movflags", "+faststart"]
    command += [ffmpeg.target(joined.name)]
    if sound is not None:
        # ffmpeg counts an MPEG-TS from the first stream in use. Keeping the source's picture in use, for
        # nothing else, stops sound that starts late from coming early.
        command += ["-map", "1:V:0", "-c", "copy", "-f", "null", "-"]
    return command


def _on_the_beat(rate: Fraction, delay: float) -> str:
    """Puts each picture exactly on its time: ffmpeg adds up the lengths of parts in whole microseconds."""
    late, beats = f"{delay:.6f}", f"({rate.numerator}/{rate.denominator})"
    times = [f"{ts.lower()}=(round(({ts}*TB-{late})*{beats})/{beats}+{late})/TB" for ts in ("PTS", "DTS")]
    return "setts=" + ":".join(times)


def _sound_codecs(sound: Sound, suffix: str) -> list[str]:
    taken = COPIED[suffix]
    # A copy would otherwise begin at the key frame of the picture before the excerpt.
    options = ["-copypriorss:a", "0"] if sound.start > 0 else []
    for track, codec in enumerate(sound.film.audio):
        copied = taken is None or codec in taken
        options += [f"-c:a:{track}", "copy"] if copied else [f"-c:a:{track}", "aac", f"-b:a:{track}", "192k"]
    return options


def _part(sound: Sound) -> list[str]:
    options = ["-ss", f"{sound.start:.6f}"] if sound.start > 0 else []
    return options + (["-t", f"{sound.duration:.6f}"] if sound.duration is not None else [])
