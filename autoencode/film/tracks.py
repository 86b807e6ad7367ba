"""Tracks and metadata on their way into a new film, and what is mended of them before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

from autoencode.errors import NoRoomError, UserError
from autoencode.film import ffmpeg
from autoencode.film.companions import LANGUAGES, Companions, Track, tracks
from autoencode.film.encode import failure
from autoencode.film.probe import FilmInfo
from autoencode.film.timecode import later

_BEGINNING = ["-f", "lavfi", "-i", "anullsrc=d=0.02"]
"""An input at 0: ffmpeg counts a file from the first that is in it."""

NAMED = ("title", "artist")
"""The metadata of a film that come along."""

LONG = 1e6
"""Seconds, more than any film has."""


def opened(source: Companions, file: Path) -> list[str]:
    """Arguments that open a file that tracks are taken from: of the film only the part that comes along."""
    part = []
    if file == source.film.path:
        part = ["-ss", f"{source.start:.6f}"] if source.start > 0 else []
        part += ["-t", f"{source.duration:.6f}"] if source.duration is not None else []
    return [*part, *(source.film.source if file == source.film.path else ffmpeg.source(file.absolute()))]


def options(come: Sequence[Track], inputs: dict[Path, int], suffix: str) -> list[str]:
    """Arguments that take tracks, with their languages and names, from their files.

    Args:
      come: the tracks; those that become nothing are passed over.
      inputs: which of ffmpeg's inputs each file is.
      suffix: of the file that takes them.
    """
    arguments, made = [], Counter()
    for kind, _, file, place, language, become, stereo in come:
        if become is None:
            continue
        there, here = f"{inputs[file]}:{kind}", f"{kind}:{made[kind]}"
        arguments += ["-map", f"{there}:{place}"]
        arguments += [f"-map_metadata:s:{here}", f"{inputs[file]}:s:{kind}:{place}"]
        if name := LANGUAGES[suffix].get(language):
            arguments += [f"-metadata:s:{here}", f"language={name}"]
        arguments += [f"-c:{here}", become, *([f"-b:{here}", "192k"] if become == "aac" else [])]
        arguments += [f"-ac:{here}", "2"] if stereo else []
        made[kind] += 1
    # In Matroska ffmpeg would show a track of subtitles that nobody asked for, were it not told to change
    # nothing. Mp4 and mov cannot but show one.
    return [*arguments, "-disposition", "+0"] if arguments else []


def metadata(source: Companions, rate: Fraction) -> tuple[list[str], list[str]]:
    """Arguments that give a new film its source's title, artist and timecode; and what is to be said of them.

    Args:
      source: the source.
      rate: frames per second of the new film.
    """
    said = ffmpeg.run(["-v", "quiet", *source.film.source, "-f", "ffmetadata", "-"])
    # What follows is of chapters and streams.
    text, arguments = re.split(r"(?<!\\)\n\[", said.stdout.decode(errors="replace"))[0], []
    for name in NAMED:
        if found := re.search(rf"^{name}=((?:\\.|[^\\\n])*)", text, re.MULTILINE | re.IGNORECASE | re.DOTALL):
            value = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
            arguments += ["-metadata:g", f"{name}={value}"]
    timecode, film = source.film.timecode, source.film
    if not timecode:
        return arguments, []
    passed_over = round((source.start + max(source.delay, 0.0)) * rate) if source.start > 0 else 0
    moved = later(timecode, passed_over, rate) if rate == film.rate else None
    if moved is None:
        return arguments, [
            f"the timecode {timecode} does not fit its {float(rate):.5g} pictures a second: left out"
        ]
    return [*arguments, "-metadata:s:v:0", f"timecode={moved}"], []


def evened(source: Companions, file: Path, path: Path) -> Companions:
    """The same with a clock that runs on: a moment can only be found by one that does.

    Args:
      source: of a film that is `uneven`.
      file: a Matroska to make, of its sound and subtitles.
      path: the film that they are for.

    Raises:
      UserError: as `failure`.
    """
    film = source.film
    taken = [track for track in tracks(source, ".mkv") if track.become]
    joined = any(len(stretches) > 1 for stretches in (source.stretches or {}).values())
    changing = [track.number for track in taken if joined and _changes(film, track)]
    if not taken:
        return replace(source, film=replace(film, subtitles=()), stretches={})
    moved = ["-copyts", *_moved(source)] if source.stretches else []
    command = [*moved, *film.source, *_BEGINNING, *options(taken, {film.path: 0}, ".mkv")]
    sounds = [track for track in taken if track.kind == "a"]
    for number, track in enumerate(sounds):
        command += _anew(number) if track.number in changing else []
    _write(file, [*command, "-map", "1:a", f"-c:a:{len(sounds)}", "pcm_s16le"], path)
    kept = [track.place for track in taken if track.kind == "s"]
    subtitles, written = (tuple(each[place] for place in kept) for each in (film.subtitles, film.written))
    places = tuple(range(len(film.audio)))
    film = replace(
        film,
        path=file,
        folder=None,
        opening=(),
        start_time=0.0,
        places=places,
        subtitles=subtitles,
        written=written,
    )
    return replace(source, film=film, stretches={})


def _anew(number: int) -> list[str]:
    """Arguments of a track of sound that is encoded, as it would be misread if it were copied.

    By less than 30 ms its times tremble, as ffmpeg guesses them by the first recording's rate.
    """
    return [f"-c:a:{number}", "aac", f"-filter:a:{number}", "aresample=async=1:min_hard_comp=0.03"]


def _changes(film: FilmInfo, track: Track) -> bool:
    """Whether a track is of sound that begins at one rate, or so many channels, and goes on with others."""
    if track.kind != "a":
        return False
    command = ["-v", "info", *film.source, "-map", f"0:a:{track.place}", "-f", "null", "-"]
    return b"audio parameters changed" in ffmpeg.run(command).stderr


def _moved(source: Companions) -> list[str]:
    """Arguments of the input: each recording's sound and subtitles beside its pictures, and none outside."""
    film, arguments = source.film, []
    streams = [f"a:{place}" for place in film.places]
    streams += [f"s:{place}" for place in range(len(film.subtitles))]
    for number, stream in enumerate(streams, start=1):
        stretches = source.stretches.get(str(number), ())
        move, outside, before = f"{-film.start_time:.6f}", "0", 0.0
        for stretch, following in zip_longest(stretches, stretches[1:]):
            move += f"+gte(N\\,{stretch.first})*{stretch.moved - before:.6f}"
            before = stretch.moved
            begin, end = max(-LONG, stretch.begin + stretch.moved), min(LONG, stretch.end + stretch.moved)
            here = f"gte(n\\,{stretch.first})*lt(n\\,{following.first if following else LONG})"
            outside += f"+{here}*(lt(pts*tb\\,{begin:.6f})+gte(pts*tb\\,{end:.6f}))"
        move = f"({move})/TB"
        arguments += [f"-bsf:{stream}", f"setts=pts=PTS+{move}:dts=DTS+{move},noise=drop={outside}"]
    return arguments


def cut(source: Companions, come: Sequence[Track], file: Path, path: Path) -> list[Track]:
    """The tracks, subtitles taken from a file that is as long as the excerpt; without those that it has not.

    ffmpeg would begin at the key frame before the start, with times below zero, that no container takes, and
    leave the last of them as long as it was.

    Args:
      source: of an excerpt.
      come: its tracks.
      file: a Matroska to make, of its subtitles.
      path: the film that they are for.

    Raises:
      UserError: as `failure`.
    """
    taken = [track for track in tracks(source, ".mkv") if track.kind == "s" and track.become]
    places = {track.place: place for place, track in enumerate(taken)}
    if taken:
        begin = source.start + source.film.start_time
        end = begin + (LONG if source.duration is None else source.duration)
        shift = (
            f"noise=drop=lte((pts+duration)*tb\\,{begin:.6f})+gte(pts*tb\\,{end:.6f}),"
            f"setts=pts=max(PTS-{begin:.6f}/TB\\,0):dts=max(DTS-{begin:.6f}/TB\\,0)"
            f":duration=min(PTS+DURATION\\,{end:.6f}/TB)-max(PTS\\,{begin:.6f}/TB)"
        )
        wanted = options(taken, {source.film.path: 0}, ".mkv")
        _write(file, ["-copyts", *source.film.source, *wanted, "-bsf:s", shift], path)
        # A file without any packet cannot be opened again.
        if ffmpeg.run([*ffmpeg.source(file), "-map", "0", "-c", "copy", "-f", "null", "-"]).returncode:
            places = {}
    return [
        track._replace(file=file, place=places[track.place]) if track.kind == "s" else track
        for track in come
        if track.kind != "s" or track.place in places
    ]


def fitting(source: Companions, come: Sequence[Track], joined: Path) -> list[Track]:
    """What becomes of tracks if those that cannot come so are encoded, or else left out.

    Args:
      source: theirs.
      come: what should have become of them.
      joined: a name to try with, in the container that is to take them.

    Raises:
      NoRoomError: the disk is full.
    """

    def works(track: Track) -> bool:
        command = ["-max_error_rate", "1", *opened(source, track.file)]
        try:
            _write(joined, [*command, *options([track], {track.file: 0}, joined.suffix)], joined)
        except NoRoomError:
            raise
        except UserError:
            return False
        return True

    def fit(track: Track) -> Track:
        ways = [track]
        if track.kind == "a":  # of many channels AAC takes only some arrangements
            ways += [track._replace(become="aac"), track._replace(become="aac", stereo=True)]
        return next((way for way in ways if way.become and works(way)), track._replace(become=None))

    return [fit(track) for track in come]


def changes(come: Sequence[Track], fit: Sequence[Track]) -> list[str]:
    """What to say of tracks that came otherwise than they should have."""
    return [f"{now.name} {_what_became(now)}" for then, now in zip(come, fit, strict=True) if then != now]


def _what_became(track: Track) -> str:
    if track.become is None:
        return "could not be taken"
    return "was folded down to stereo, to be taken" if track.stereo else "was encoded anew, to be taken"


def _write(made: Path, command: list[str], path: Path) -> None:
    """Runs ffmpeg with a command that lacks only its output; a failure is one of the film at `path`."""
    ran = ffmpeg.run(["-v", "error", "-y", *command, ffmpeg.target(made)])
    if ran.returncode != 0:
        raise failure(path, ran.stderr, ran.returncode)
