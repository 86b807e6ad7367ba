"""Parts of a picture, and what the source had beside its own, into one film."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from autoencode.errors import NoRoomError, UserError
from autoencode.files import bytes_of, take_place, whole
from autoencode.film import ffmpeg
from autoencode.film.companions import Companions, Track, tracks
from autoencode.film.damage import Damage
from autoencode.film.encode import check_count, failure
from autoencode.film.tracks import changes, cut, evened, fitting, metadata, opened, options

CONTENTS = "parts.ffconcat"
PLACED = "placed"
"""A file beside the parts: the bytes of the film that they were made into."""

REPLACED = "replaced"
"""The folder of pictures whose place is being taken."""

MARK = ".rendered"
"""A file that says that a folder of pictures was rendered, and may be replaced."""


def join(
    parts: Sequence[Path],
    rate: Fraction,
    source: Companions | None,
    path: Path,
    frames: int,
    damage: Damage,
    ready: Callable[[], object] = lambda: None,
) -> list[str]:
    """Makes a film of parts that lie in one folder, without encoding their picture again.

    It grows in that folder, and takes its place when it is whole.

    Args:
      parts: files with the same kind of picture, in order, each named after the number of its first frame.
      rate: frames per second.
      source: whose sound, subtitles and chapters, or None: none.
      path: the film to make, mp4, mov or mkv by suffix.
      frames: how many the parts have.
      damage: of the source; that all of its sound is lost is found here.
      ready: called when it is whole, and before it takes its place.

    Returns:
      What was complained of, and what is missing in the sound that came along.

    Raises:
      DamagedError: the source has sound, none of it can be taken, and that is not allowed.
      UserError: the source is gone, ffmpeg failed, or not all frames arrived.
    """
    folder, suffix = parts[0].parent, path.suffix.lower()
    joined, evened_file, cut_file = folder / f"joined{suffix}", folder / "evened.mkv", folder / "cut.mkv"
    source = None if source and source.film.are_pictures else source  # they have nothing beside them
    if source is not None and not source.film.path.exists():
        raise UserError(f"{source.film.path}: No such file any more; put it back, its sound is to come along")
    made = (joined, evened_file, cut_file)
    for file in made:
        file.unlink(missing_ok=True)  # an ffmpeg of a process that was killed may still write to it
    try:
        come, notes, about = [], [], []
        if source is not None:
            about, notes = metadata(source, rate)
            if source.film.attachments and suffix != ".mkv":
                files = f"{source.film.attachments} attachment{'s' if source.film.attachments > 1 else ''}"
                notes.append(f"{files}, which only Matroska takes, left out")
            source = evened(source, evened_file, path) if source.uneven else source
            come = tracks(source, suffix)
            come = cut(source, come, cut_file, path) if source.excerpt else come
        try:
            said = _run(parts, rate, frames, _command(rate, frames, source, come, about, joined), path)
        except NoRoomError:
            raise
        except UserError:
            fit = fitting(source, come, joined)
            if fit == come:
                raise
            notes += changes(come, fit)
            sounds = [track for track in fit if track.kind == "a"]
            if sounds and not any(track.become for track in sounds):
                damage.found(f"none of its sound can be taken into a film that ends in {suffix}")
            said = _run(parts, rate, frames, _command(rate, frames, source, fit, about, joined), path)
        if said:
            notes.append(f"what came along did so with a complaint ({ffmpeg.last_words(said)})")
        notes += check_count(path, joined, frames)
        ready()
        _place(joined, path)
        return notes
    finally:
        for file in made:
            file.unlink(missing_ok=True)  # it may be what fills the disk


def unfold(
    parts: Sequence[Path],
    rate: Fraction,
    path: Path,
    frames: int,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Makes a folder of PNGs of parts that lie in one folder: 00000001.png is the first.

    Args:
      parts: as in `join`.
      rate: frames per second.
      path: the folder; if it is there, it holds nothing but such pictures, and is replaced.
      frames: how many the parts have.
      ready: called when all are there, and before they take their place.

    Raises:
      UserError: ffmpeg failed, or not all frames arrived.
    """
    unfolded = parts[0].with_name("unfolded")
    for folder in (unfolded, parts[0].with_name(REPLACED)):
        shutil.rmtree(folder, ignore_errors=True)
    unfolded.mkdir()
    try:
        command = [
            "-f",
            "concat",
            "-i",
            CONTENTS,
            "-fps_mode",
            "passthrough",
            "-pix_fmt",
            "rgb24",
            "unfolded/%08d.png",
        ]
        _run(parts, rate, frames, command, path)
        found = len(list(unfolded.iterdir()))
        if found != frames:
            raise UserError(f"{path}: {found} of {frames} frames arrived in it; try again")
        (unfolded / MARK).touch()
        ready()
        _place(unfolded, path)
    finally:
        shutil.rmtree(unfolded, ignore_errors=True)
        shutil.rmtree(parts[0].with_name(REPLACED), ignore_errors=True)


def is_placed(folder: Path, path: Path) -> bool:
    """Whether the film at `path` was made of the parts in a folder, as far as its size tells."""
    placed = folder / PLACED
    return path.exists() and placed.exists() and placed.read_text() == str(bytes_of(path))


def _place(made: Path, path: Path) -> None:
    """Should the power fail before anybody else knows that the film was made here, the parts do."""
    with whole(made.parent / PLACED) as partial:
        partial.write_text(str(bytes_of(made)))
    if path.is_dir():  # not deleted where it is: half of it would be nobody's
        path.replace(made.with_name(REPLACED))
    take_place(made, path)


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
    ran = ffmpeg.run(["-v", "error", "-y", *command], folder)
    if ran.returncode != 0:
        raise failure(path, ran.stderr, ran.returncode)
    return ran.stderr.strip()


def _command(
    rate: Fraction,
    frames: int,
    source: Companions | None,
    come: Sequence[Track],
    about: Sequence[str],
    joined: Path,
) -> list[str]:
    # Holds the first picture back until the sound has come as far.
    delay = max(source.delay, 0.0) if source else 0.0
    command = ["-max_error_rate", "1"]  # sound that is broken must not cost the picture
    command += ["-itsoffset", f"{delay:.6f}", "-f", "concat", "-i", CONTENTS]
    files = list(dict.fromkeys([source.film.path, *(track.file for track in come)])) if source else []
    for file in files:
        command += opened(source, file)
    command += ["-map", "0:v", "-c:v", "copy", "-bsf:v", _on_the_beat(rate, delay), "-map_metadata:g", "-1"]
    command += about
    if source is not None:
        # A copy would otherwise begin at the key frame of the picture before the excerpt.
        command += ["-copypriorss:a", "0"] if source.start > 0 else []
        command += options(come, {file: number for number, file in enumerate(files, start=1)}, joined.suffix)
        command += ["-map_chapters", "1"]
        if source.duration is not None:  # chapters and subtitles would follow; but no picture may be cut off
            command += ["-t", f"{max(source.duration, delay + float(frames / rate)):.6f}"]
    if joined.suffix != ".mkv":
        command += ["-movflags", "+faststart"]
    command += [ffmpeg.target(joined.name)]
    if source is not None and source.stretches is None:
        # ffmpeg counts an MPEG-TS from the first stream in use. Keeping the source's picture in use, for
        # nothing else, stops sound that starts late from coming early.
        command += ["-map", f"1:{source.film.picture}", "-c", "copy", "-bsf:v", "setts=ts=N"]
        command += ["-f", "null", "-"]
    return command


def _on_the_beat(rate: Fraction, delay: float) -> str:
    """Puts each picture exactly on its time: ffmpeg adds up the lengths of parts in whole microseconds."""
    late, beats = f"{delay:.6f}", f"({rate.numerator}/{rate.denominator})"
    times = [f"{ts.lower()}=(round(({ts}*TB-{late})*{beats})/{beats}+{late})/TB" for ts in ("PTS", "DTS")]
    return "setts=" + ":".join(times)
