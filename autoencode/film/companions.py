"""What a film has beside its picture, and what becomes of it in another container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from autoencode.film.clocks import Stretch
from autoencode.film.probe import FilmInfo

_EVERYWHERE = {"aac", "mp3", "ac3", "eac3", "alac"}
_PCM = {"pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"}
_PCM |= {"pcm_f32le", "pcm_f64le"}
COPIED = {
    ".mp4": _EVERYWHERE | {"opus", "flac"},
    ".mov": _EVERYWHERE | _PCM,
    ".mkv": _EVERYWHERE | _PCM | {"mp2", "dts", "truehd", "mlp", "flac", "opus", "vorbis", "tta", "wavpack"},
}
"""Sound that each container takes as it is; any other is encoded to AAC."""

_QUICKTIMES = {"swe": "sve", "gle": "iri", "hrv": "hr ", "srp": "sr ", "pan": "pa ", "fao": "fo "}
_OTHER = {
    **{"deu": "ger", "nld": "dut", "zho": "chi", "ell": "gre", "isl": "ice", "sqi": "alb", "hye": "arm"},
    **{"kat": "geo", "bod": "tib", "mya": "bur", "msa": "may", "cym": "wel", "eus": "baq"},
    **{"mkd": "mac", "fre": "fra", "rum": "ron", "cze": "ces", "slo": "slk"},
}
_ISO = {name: iso for iso, name in _QUICKTIMES.items()}
LANGUAGES = {".mov": _QUICKTIMES | _OTHER, ".mp4": _ISO, ".mkv": _ISO}
"""Of languages what each container calls otherwise. QuickTime numbers them; of ffmpeg's names for the
numbers some are the other ones of ISO 639-2, which has two for these languages, and some are its own."""

_TEXT = {"subrip", "ass", "ssa", "webvtt", "mov_text", "text"}
_PICTURES = {"dvd_subtitle", "hdmv_pgs_subtitle", "dvb_subtitle"}
"""Subtitles that are pictures, which only Matroska takes."""


@dataclass(frozen=True)
class Companions:
    """What of the source goes with the frames, beside its metadata, and which part of it, in seconds."""

    film: FilmInfo
    start: float = 0.0  # since the file's start
    duration: float | None = None  # None: to the end
    delay: float = 0.0  # how long after `start` the first picture comes
    audio: Literal["all", "first", "none"] = "all"  # which tracks of sound
    stretches: Mapping[str, Sequence[Stretch]] | None = None  # as of the timeline
    edited: bool = False  # an edit list shows pieces of it: sound that is copied would come whole

    @property
    def excerpt(self) -> bool:
        """Whether it is not all of the film."""
        return self.start > 0 or self.duration is not None

    @property
    def uneven(self) -> bool:
        """Whether no moment can be found in its sound: a clock is set anew, or an AVI's counts in packets."""
        return self.stretches is not None or (self.excerpt and self.film.container == "avi")

    @property
    def sound(self) -> tuple[str, ...]:
        """Codec of each track that comes along."""
        return self.film.audio[: {"all": None, "first": 1, "none": 0}[self.audio]]


_KINDS = {"a": "sound", "s": "subtitles", "t": "attachments"}


class Track(NamedTuple):
    """A track of sound or of subtitles, or a file that is attached to the film."""

    kind: Literal["a", "s", "t"]  # ffmpeg's letter: sound, subtitles or an attachment
    number: int  # among the film's of its kind, from 1
    file: Path  # that it is taken from: the film, or one made of it
    place: int  # among that file's of its kind, from 0
    language: str  # as the film has it, or nothing
    become: str | None  # a codec, 'copy', or None: it is left out
    stereo: bool = False  # its channels are folded down to two

    @property
    def name(self) -> str:
        """For a person."""
        return f"track {self.number} of its {_KINDS[self.kind]}"


def tracks(source: Companions, suffix: str) -> list[Track]:
    """What becomes of each track of sound, of subtitles and then of attachments in a container."""
    copied = set() if source.edited else COPIED[suffix]
    sounds = ["copy" if codec in copied else "aac" for codec in source.sound]
    film, texts = source.film, subtitles(source.film, suffix)
    attached = film.attachments * ["copy"] if suffix == ".mkv" else []
    kinds = (
        ("a", film.places, film.spoken, sounds),
        ("s", range(len(texts)), film.written, texts),
        ("t", range(len(attached)), [""] * len(attached), attached),
    )
    return [
        Track(kind, number + 1, film.path, places[number], languages[number], become)
        for kind, places, languages, becomes in kinds
        for number, become in enumerate(becomes)
    ]


def encoded(source: Companions, suffix: str) -> list[str]:
    """Codec of each track of sound that a container does not take as it is."""
    sound = [track for track in tracks(source, suffix) if track.kind == "a" and track.become != "copy"]
    return [source.film.audio[track.number - 1] for track in sound]


def subtitles(film: FilmInfo, suffix: str) -> list[str | None]:
    """What becomes of each track of subtitles in a container: a codec, 'copy', or None: it is left out."""
    if suffix == ".mkv":
        return [
            "srt" if codec in ("mov_text", "text") else "copy" if codec in _TEXT | _PICTURES else None
            for codec in film.subtitles
        ]
    return ["mov_text" if codec in _TEXT else None for codec in film.subtitles]
