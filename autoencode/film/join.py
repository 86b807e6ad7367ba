"""Parts of a picture, and what the source had beside its own, into one film."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from autoencode.errors import NoRoomError, UserError
from autoencode.files import take_place
from autoencode.film import ffmpeg
from autoencode.film.companions import Companions, sound, subtitles
from autoencode.film.encode import check_count, failure

CONTENTS = "parts.ffconcat"
MARK = ".rendered"
"""A file that says that a folder of pictures was rendered, and may be replaced."""


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
    folder, suffix = parts[0].parent, path.suffix.lower()
    joined, notes = folder / f"joined{suffix}", []
    if source is not None and not source.film.path.exists():
        raise UserError(f"{source.film.path}: No such file any more; put it back, its sound is to come along")
    made = (joined, folder / "evened.mkv", folder / "texts.mkv")
    for file in made:
        file.unlink(missing_ok=True)  # an ffmpeg of a process that was killed may still write to it
    try:
        if source is None:
            said = _run(parts, rate, frames, _command(rate, None, None, [], [], joined), path)
        else:
            if source.jumps:
                source = _evened(source, folder / "evened.mkv", path)
            come = sound(source, suffix), subtitles(source.film, suffix)
            texts = _texts(source, folder / "texts.mkv", path) if source.start > 0 else None
            if source.start > 0 and texts is None:
                come = come[0], []
            try:
                said = _run(parts, rate, frames, _command(rate, source, texts, *come, joined), path)
            except NoRoomError:
                raise
            except UserError:
                fit = _fitting(source, texts, *come, joined)
                if fit == come:
                    raise
                notes = _changes(come, fit)
                said = _run(parts, rate, frames, _command(rate, source, texts, *fit, joined), path)
        if said:
            notes.append(f"what came along did so with a complaint ({ffmpeg.last_words(said)})")
        notes += check_count(path, joined, frames)
        take_place(joined, path)
        return notes
    finally:
        for file in made:
            file.unlink(missing_ok=True)  # it may be what fills the disk


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
        if path.exists():
            shutil.rmtree(path)
        take_place(unfolded, path)
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
    ran = _ffmpeg(command, folder)
    if ran.returncode != 0:
        raise failure(path, ran.stderr, ran.returncode)
    return ran.stderr.strip()


def _evened(source: Companions, evened: Path, path: Path) -> Companions:
    """The same with a clock that runs on: a moment can only be found by one that does."""
    film, sounds, titles = source.film, sound(source, ".mkv"), subtitles(source.film, ".mkv")
    tracks = _tracks("a", 0, range(len(sounds)), sounds) + _tracks("s", 0, range(len(titles)), titles)
    if not tracks:
        return replace(source, film=replace(film, subtitles=()))
    _write(evened, [*ffmpeg.source(film.path), *tracks], path)
    kept = tuple(codec for codec, become in zip(film.subtitles, titles, strict=True) if become)
    return replace(source, film=replace(film, path=evened, start_time=0.0, subtitles=kept))


def _texts(source: Companions, texts: Path, path: Path) -> Path | None:
    """The subtitles from an excerpt's start on, in a file of their own; None: there are none.

    ffmpeg would begin at the key frame before the start, with times below zero, that no container takes.
    """
    become = subtitles(source.film, ".mkv")
    if not any(become):
        return None
    begin = f"{source.start + source.film.start_time:.6f}"
    cut = (
        f"noise=drop=lte((pts+duration)*tb\\,{begin}),"
        f"setts=pts=max(PTS-{begin}/TB\\,0):dts=max(DTS-{begin}/TB\\,0)"
        f":duration=DURATION-max({begin}/TB-PTS\\,0)"
    )
    command = ["-copyts", *ffmpeg.source(source.film.path)]
    for place, (track, codec) in enumerate((track, codec) for track, codec in enumerate(become) if codec):
        command += ["-map", f"0:s:{track}", f"-c:s:{place}", codec]
    _write(texts, [*command, "-bsf:s", cut], path)
    empty = _ffmpeg([*ffmpeg.source(texts), "-map", "0", "-c", "copy", "-f", "null", "-"]).returncode
    return None if empty else texts


def _write(made: Path, command: list[str], path: Path) -> None:
    """Runs ffmpeg with a command that lacks only its output; a failure is one of the film at `path`."""
    ran = _ffmpeg([*command, ffmpeg.target(made)])
    if ran.returncode != 0:
        raise failure(path, ran.stderr, ran.returncode)


def _ffmpeg(command: list[str], folder: Path | None = None) -> subprocess.CompletedProcess:
    words = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-v", "error", "-y", *command]
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)


_Come = tuple[list[str | None], list[str | None]]
"""What becomes of the tracks of sound, and of subtitles: a codec, 'copy', or None: it is left out."""


def _fitting(
    source: Companions, texts: Path | None, sounds: list[str | None], titles: list[str | None], joined: Path
) -> _Come:
    """What becomes of each track if those that cannot come so are encoded, or else left out."""

    def works(become: str, options: list[str]) -> bool:
        kind = options[-1].split(":")[1]
        try:
            _write(joined, [*options, f"-c:{kind}", become], joined)
        except NoRoomError:
            raise
        except UserError:
            return False
        return True

    film = ["-max_error_rate", "1", *_part(source), *ffmpeg.source(source.film.path)]
    ways = [["copy", "aac"] if become == "copy" else [become] for become in sounds]
    fit_sounds = [
        next((way for way in tried if way and works(way, [*film, "-map", f"0:a:{track}"])), None)
        for track, tried in enumerate(ways)
    ]
    if texts:
        film = ffmpeg.source(texts)
    places = _places(source, texts, titles)
    fit_titles = [
        become if become and works(become, [*film, "-map", f"0:s:{place}"]) else None
        for place, become in zip(places, titles, strict=True)
    ]
    return fit_sounds, fit_titles


def _changes(come: _Come, fit: _Come) -> list[str]:
    """What to say of tracks that came otherwise than they should have."""
    return [
        f"track {number} of its {kind} " + ("was encoded anew, to be taken" if now else "could not be taken")
        for kind, before, after in zip(("sound", "subtitles"), come, fit, strict=True)
        for number, (then, now) in enumerate(zip(before, after, strict=True), start=1)
        if then != now
    ]


def _command(
    rate: Fraction,
    source: Companions | None,
    texts: Path | None,
    sounds: list[str | None],
    titles: list[str | None],
    joined: Path,
) -> list[str]:
    # Holds the first picture back until the sound has come as far.
    delay = max(source.delay, 0.0) if source else 0.0
    command = ["-max_error_rate", "1"]  # sound that is broken must not cost the picture
    command += ["-itsoffset", f"{delay:.6f}", "-f", "concat", "-i", CONTENTS]
    if source is not None:
        command += [*_part(source), *ffmpeg.source(source.film.path.absolute())]
    if texts:
        command += ffmpeg.source(texts.absolute())
    command += ["-map", "0:v", "-c:v", "copy", "-bsf:v", _on_the_beat(rate, delay), "-map_metadata:g", "-1"]
    if source is not None:
        # A copy would otherwise begin at the key frame of the picture before the excerpt.
        command += ["-copypriorss:a", "0"] if source.start > 0 else []
        command += _tracks("a", 1, range(len(sounds)), sounds)
        command += _tracks("s", 2 if texts else 1, _places(source, texts, titles), titles)
        command += ["-map_chapters", "1"]
        if source.duration is not None:  # chapters and subtitles would follow
            command += ["-t", f"{source.duration:.6f}"]
    if joined.suffix != ".mkv":
        command += ["-movflags", "+faststart"]
    command += [ffmpeg.target(joined.name)]
    if source is not None and not source.jumps:
        # ffmpeg counts an MPEG-TS from the first stream in use. Keeping the source's picture in use, for
        # nothing else, stops sound that starts late from coming early.
        command += ["-map", "1:V:0", "-c", "copy", "-bsf:v", "setts=ts=N", "-f", "null", "-"]
    return command


def _on_the_beat(rate: Fraction, delay: float) -> str:
    """Puts each picture exactly on its time: ffmpeg adds up the lengths of parts in whole microseconds."""
    late, beats = f"{delay:.6f}", f"({rate.numerator}/{rate.denominator})"
    times = [f"{ts.lower()}=(round(({ts}*TB-{late})*{beats})/{beats}+{late})/TB" for ts in ("PTS", "DTS")]
    return "setts=" + ":".join(times)


def _tracks(kind: str, file: int, places: Sequence[int], become: list[str | None]) -> list[str]:
    """Options for the tracks of a kind that lie at `places` of a file."""
    options, made = [], 0
    for place, codec in zip(places, become, strict=True):
        if codec is None:
            continue
        track = f"{kind}:{made}"
        options += ["-map", f"{file}:{kind}:{place}", f"-map_metadata:s:{track}", f"{file}:s:{kind}:{place}"]
        options += [f"-c:{track}", codec, *([f"-b:{track}", "192k"] if codec == "aac" else [])]
        made += 1
    return options


def _places(source: Companions, texts: Path | None, titles: list[str | None]) -> list[int]:
    """Where each track of subtitles lies: in the film, or among those that Matroska takes."""
    if texts is None:
        return list(range(len(titles)))
    taken = [codec is not None for codec in subtitles(source.film, ".mkv")]
    return [sum(taken[:track]) for track in range(len(titles))]


def _part(source: Companions) -> list[str]:
    options = ["-ss", f"{source.start:.6f}"] if source.start > 0 else []
    return options + (["-t", f"{source.duration:.6f}"] if source.duration is not None else [])
