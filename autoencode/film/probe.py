"""What a film says about itself, read from the header that `ffmpeg -i` prints."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from autoencode.errors import UserError
from autoencode.film import ffmpeg, printed
from autoencode.film.encryption import is_encrypted
from autoencode.film.folder import USUAL_RATE, Folder, read_folder
from autoencode.film.packets import read_packets

COLOURS_OF_ITS_OWN = {(5, 0), (10, 0), (20, 0)}
"""Dolby Vision, its profile and the kind of picture that other players find in it: none."""

ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Of codecs whose alpha channel ffmpeg's own decoders drop, those that do not."""


class Crop(NamedTuple):
    """A part of a picture, in pixels from its upper left corner."""

    width: int
    height: int
    x: int
    y: int


@dataclass(frozen=True)
class FilmInfo:
    """A film's header. "As shown" means after the rotation flag, which ffmpeg obeys when it decodes.

    And how its pictures are to be read, which the header does not know: `reading` finds that out.
    """

    path: Path  # of a file, or of a folder that is one film
    container: str  # as ffmpeg calls it
    codec: str  # of the picture, likewise
    width: int  # pixels as shown, before the sample aspect stretches them
    height: int  # pixels as shown
    sample_aspect: Fraction  # width / height of one pixel as shown
    rate: Fraction  # nominal frames per second
    duration: float | None  # seconds, of the longest stream; None where the header does not know
    picture_duration: float | None  # of the picture alone, where the header has that
    start_time: float  # seconds, the file's first timestamp; all times elsewhere count from it
    rotation: int  # degrees that the coded picture is turned counter-clockwise: 0, 90, 180 or 270
    matrix: str | None  # the YUV matrix that the stream states, or None: then it has to be guessed
    transfer: str | None  # the transfer function that the stream states, as ffmpeg calls it
    order: str | None  # of a picture's two fields, if the stream states it: progressive, top first, …
    audio: tuple[str, ...]  # codec of each audio track, but for those that are only announced
    places: tuple[int, ...]  # of each of them, among the file's audio tracks
    announced: int = 0  # audio tracks of which nothing else is known: they have no sound, or only much later
    pictures: int = 1  # streams of moving pictures
    picture: int = 0  # of these the one that is read, among all of the file's streams
    picture_place: int = 0  # the same among those of moving pictures
    subtitles: tuple[str, ...] = ()  # codec of each subtitle track
    spoken: tuple[str, ...] = ()  # language of each audio track, as its header has it: eng, or nothing
    written: tuple[str, ...] = ()  # of each subtitle track
    alpha: bool = False  # whether its pictures have an alpha channel
    decoder: str | None = None  # ffmpeg's name of the one that reads the alpha channel; None: its usual one
    attachments: int = 0  # files that a Matroska carries along, such as fonts
    timecode: str = ""  # of the first picture, as a camera or an editor counts: 01:00:00:00
    folder: Folder | None = None  # what is in the folder, if it is one
    opening: tuple[str, ...] = ()  # with which ffmpeg opens the folder
    crop: Crop | None = None  # the part of the picture as shown that is used; None: all
    deinterlace: bool = False  # whether pictures consist of two fields, that have to be made one

    @property
    def clocked(self) -> bool:
        """Whether it was made to be sent, not kept: no header knows its length, its clock may be set anew."""
        return self.container in ("mpegts", "mpeg")

    @property
    def source(self) -> list[str]:
        """Ffmpeg's arguments that open the film, from whatever folder."""
        return [*self.opening] or ffmpeg.source(self.path.absolute())

    @property
    def are_pictures(self) -> bool:
        """Whether it is a folder of pictures: each says nothing of when it is shown."""
        return self.folder is not None and self.folder.are_pictures

    @property
    def stream(self) -> str:
        """The picture, as ffmpeg's -map has it."""
        return f"0:{self.picture}"

    @property
    def streams(self) -> tuple[str, ...]:
        """Picture, sound and subtitles, as ffmpeg's -map has them."""
        return (self.stream, *(f"0:a:{place}" for place in self.places), "0:s?")

    @property
    def progressive(self) -> bool:
        """Whether the stream states that its pictures do not consist of two fields."""
        return self.order == "progressive"

    @property
    def display_aspect(self) -> Fraction:
        """Width / height of the whole picture as shown."""
        return Fraction(self.width, self.height) * self.sample_aspect

    @property
    def coded_width(self) -> int:
        """Columns of the picture as it lies in the file, before rotation."""
        return self.height if self.rotation in (90, 270) else self.width

    @property
    def coded_height(self) -> int:
        """Rows of the picture as it lies in the file, before rotation."""
        return self.width if self.rotation in (90, 270) else self.height


def probe(path: str | Path, rate: Fraction | None = None) -> FilmInfo:
    """Reads the header of the film at `path`; takes a few hundredths of a second.

    Args:
      path: a film's, or that of a folder that is one film.
      rate: frames per second of numbered pictures, which do not say it themselves; None: 24.

    Raises:
      UserError: `path` is missing, no film, empty, encrypted, a still picture, or sound only.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such file; check the name")
    path = path if path.name not in ("", "..") else path.resolve()
    folder = read_folder(path) if path.is_dir() else None
    if not path.is_file() and not folder:
        what = "a folder or a device, not a film"
        raise UserError(f"{path}: {what}; name a film, or a folder of numbered pictures or a DVD's VIDEO_TS")
    files = folder.files if folder else [path]
    if unreadable := next((file for file in files if not os.access(file, os.R_OK)), None):
        raise UserError(f"{unreadable}: may not be read; ask for the right to, or copy it")
    if not folder and path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty; copy the film again")
    if folder and folder.are_pictures:
        return _probe_pictures(path, folder, rate)
    if rate is not None:
        raise UserError(f"--rate: {path} has a rate of its own; leave --rate out")
    opening = folder.source(USUAL_RATE) if folder else ()
    film = _probe(path, files, [*opening] or ffmpeg.source(path.absolute()))
    return replace(film, folder=folder, opening=opening)


def _probe_pictures(path: Path, folder: Folder, rate: Fraction | None) -> FilmInfo:
    said = f"has no rate of its own: {USUAL_RATE} pictures a second, as --rate is not given"
    folder = folder if rate else folder._replace(notes=(*folder.notes, said))
    opening = folder.source(rate or USUAL_RATE)
    film = _probe(path, [], [*opening])
    return replace(film, folder=folder, opening=opening, rate=rate or USUAL_RATE)


def _probe(path: Path, files: Sequence[Path], source: list[str]) -> FilmInfo:
    """Likewise of the film at `path`, of which `files` may be encrypted, and which ffmpeg opens so."""
    if any(map(is_encrypted, files)):
        raise UserError(
            f"{path}: is encrypted, so only players with its key show it; take a copy that is not"
        )
    # Without an output ffmpeg prints the header and exits with an error, so its status says nothing.
    ran = ffmpeg.run(source)
    # The name is the one thing in the header that may hold anything, whole lines of it too.
    text = ran.stderr.replace(os.fsencode(source[-1]), b"the film").decode(errors="replace")
    container = re.search(r"^Input #0, (\S+),", text, re.MULTILINE)
    if container is None:
        if "Format not on whitelist" in text:
            raise UserError(f"{path}: a still picture or a list, not a film; name a film file")
        raise UserError(
            f"{path}: not a film that ffmpeg can read ({_reason(text, ran.returncode)});"
            " copy it again, or try another"
        )
    streams = printed.streams(text)
    # A cover picture in a music file is a video stream by name only.
    moving = [lines for lines in streams if printed.is_of(lines, "Video")]
    pictures = [lines for lines in moving if not printed.is_attached(lines[0])]
    sounds = [lines[0] for lines in streams if printed.is_of(lines, "Audio")]
    audio = {place: line for place, line in enumerate(sounds) if re.search(r", \d+ Hz", line)}
    if not pictures:
        what = "has sound but no moving picture" if sounds else "holds no moving picture"
        raise UserError(f"{path}: {what}; name a film file")
    place = _choose(source, pictures)
    if files and _is_text_or_still(container[1], printed.codec(pictures[place][0])):
        raise UserError(
            f"{path}: a text or a still picture, not a film; name a film file, or the folder of"
            " numbered pictures"
        )
    subtitles = [lines[0] for lines in streams if printed.is_of(lines, "Subtitle")]
    if printed.dolby_vision(pictures[place]) in COLOURS_OF_ITS_OWN:
        raise UserError(
            f"{path}: is in Dolby Vision that has no usual colours (profile 5); take a copy in HDR10 or SDR,"
            " or make one with ffmpeg's filter libplacebo"
        )
    film = _film(path, container[1], text, pictures[place], audio, subtitles)
    film = replace(film, pictures=len(pictures), picture_place=place)
    attachments = sum(printed.is_of(lines, "Attachment") for lines in streams)
    return replace(film, announced=len(sounds) - len(audio), attachments=attachments)


def _choose(source: list[str], pictures: list[list[str]]) -> int:
    """Which of several streams of pictures is read: the default one, or else the one with most packets."""
    places = [place for place, lines in enumerate(pictures) if printed.is_default(lines[0])]
    places = places or [*range(len(pictures))]
    if len(places) == 1:
        return places[0]
    streams = [f"0:{printed.number(pictures[place][0])}" for place in places]
    counts = Counter(packet.stream for packet in read_packets(source, bytearray(), streams))
    return places[max(range(len(places)), key=lambda place: counts[str(place)])]


def _film(
    path: Path,
    container: str,
    text: str,
    stream: list[str],
    audio: dict[int, str],
    subtitles: list[str],
) -> FilmInfo:
    line = stream[0]
    size = re.search(r", (\d+)x(\d+)(?=[ ,]|$)", line)
    if size is None or 0 in (int(size[1]), int(size[2])):
        raise UserError(f"{path}: the picture's size cannot be read; the file may be damaged, copy it again")
    width, height, aspect = int(size[1]), int(size[2]), printed.sample_aspect(line)
    rotation = printed.rotation(stream)
    matrix, transfer = printed.colour(line)
    codec = printed.codec(line)
    # The fourth byte of an AVI's bare pixels is there to fill up, whatever ffmpeg calls it.
    alpha = printed.has_alpha(stream) and not (codec == "rawvideo" and container == "avi")
    decoder = ALPHA_DECODERS.get(codec) if alpha else None
    if rotation in (90, 270):
        width, height, aspect = height, width, 1 / aspect
    return FilmInfo(
        path=path,
        container=container,
        codec=codec,
        picture=printed.number(line),
        alpha=alpha and (decoder is None or decoder in ffmpeg.decoders()),
        decoder=decoder,
        timecode=printed.timecode(stream, text),
        width=width,
        height=height,
        sample_aspect=aspect,
        rate=printed.rate(line),
        duration=printed.duration(text),
        picture_duration=printed.picture_duration(stream),
        start_time=printed.start_time(text),
        rotation=rotation,
        matrix=matrix,
        transfer=transfer,
        order=printed.order(line),
        audio=tuple(map(printed.codec, audio.values())),
        places=tuple(audio),
        subtitles=tuple(map(printed.codec, subtitles)),
        spoken=tuple(map(printed.language, audio.values())),
        written=tuple(map(printed.language, subtitles)),
    )


def _reason(text: str, status: int) -> str:
    # ffmpeg ends with "Error opening input file <name>."; the cause stands in the line before.
    causes = re.findall(r"Error opening input: (.+)", text)
    return causes[-1].rstrip(".") if causes else ffmpeg.last_words(text, status)


def _is_text_or_still(container: str, codec: str) -> bool:
    # ffmpeg's tty demuxer takes any text for a film of scrolling letters.
    names = container.split(",")
    return codec in ("ansi", "bintext", "xbin", "idf") or any(
        name in ("tty", "image2", "ico") or name.endswith("_pipe") for name in names
    )
