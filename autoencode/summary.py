"""What a rendering was made of, and how: kept beside it, and enough to make the same film again."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from autoencode import __version__
from autoencode.errors import UserError
from autoencode.files import bytes_of, write_json
from autoencode.film import ffmpeg
from autoencode.film.companions import Companions
from autoencode.film.damage import Damage
from autoencode.film.probe import FilmInfo, probe
from autoencode.film.reading import Reading
from autoencode.film.sound import tracks
from autoencode.film.timeline import Timeline
from autoencode.film.writer import FilmWriter


def write_summary(
    film: FilmInfo,
    source_sha256: str,
    timeline: Timeline,
    reading: Reading,
    writer: FilmWriter,
    model: dict[str, Any],
) -> None:
    """Writes `<film>.json` beside a film that is made.

    Args:
        film: the source.
        source_sha256: of its bytes, in hexadecimal.
        timeline: which of its pictures.
        reading: what was asked for of it.
        writer: of the film.
        model: the run, its weights, what was typed and whatever else decides the memory, as plain values.
    """
    form, sound = writer.format, writer.source
    values = {
        "frames": {
            "in": timeline.count,
            "out": timeline.frames_out,
            "repeated": timeline.repeated,
            "dropped": timeline.dropped,
            "lost": timeline.lost,
        },
        "damage": timeline.damage.notes,
        "suffered": timeline.damage.suffered,
        "rate": str(timeline.rate),
        "seconds": round(float(timeline.frames_out / timeline.rate), 6),
        "seconds_with_sound": None if form.codec == "png" else probe(writer.path).duration,
        "picture_begins_after_start": round(timeline.begin - reading.start, 6),
        "sound": [] if form.codec == "png" else tracks(writer.path),
        "source": {
            "path": str(film.path.resolve()),
            "sha256": source_sha256,
            "seconds": film.duration,
            "sound": tracks(film.path),
            **dataclasses.asdict(reading),
            "cropped": film.crop,
            "deinterlaced": film.deinterlace,
        },
        **model,
        "audio": sound.audio if sound and form.codec != "png" else "none",
        "picture": {**dataclasses.asdict(form), "rate": str(form.rate), "film": form.shown_size},
        "versions": {"autoencode": __version__, "tensorflow": _tensorflow(), "ffmpeg": ffmpeg.version()},
        "bytes": bytes_of(writer.path),
        "made_of": _digest(writer),
    }
    write_json(summary_of(writer.path), values)


def is_made(writer: FilmWriter, damage: Damage) -> bool:
    """Whether the film is there already, whole, and made of the same; `damage` recalls what it knows.

    Raises:
        UserError: it was made with damage allowed, and now it is not.
    """
    try:
        said = json.loads(summary_of(writer.path).read_text())
        if (said["made_of"], said["bytes"]) != (_digest(writer), bytes_of(writer.path)):
            return False
        earlier = Damage(damage.path, True, said["damage"], suffered=said["suffered"])
    except (OSError, ValueError, KeyError, TypeError):  # no summary, or one of somebody else's
        return False
    damage.recall(earlier)
    return True


def replaces(writer: FilmWriter) -> bool:
    """Whether the new film takes the place of one that was rendered here.

    Raises:
        UserError: it would take the place of something else.
    """
    path, beside = writer.path, summary_of(writer.path)
    said: dict[str, Any] = {}
    if beside.exists():
        try:
            said = json.loads(beside.read_text())
            said["made_of"], said["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(
                f"{beside}: is there already, and tells of no rendering; give the output another name"
            ) from None
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return False
    if not writer.placed and said.get("bytes") != bytes_of(path):
        what = "was changed since it was rendered here" if said else "was not rendered here"
        raise UserError(f"{path}: is there already, and {what}; delete it, or give the output another name")
    return True


def summary_of(path: Path) -> Path:
    """Where the summary of a film, or of a folder of pictures, lies."""
    return path.with_name(f"{path.name}.json")


def _digest(writer: FilmWriter) -> str:
    sound: Companions | None = writer.source
    return hashlib.sha256(repr((writer.made_of, sound and sound.audio)).encode()).hexdigest()


def _tensorflow() -> str:
    import tensorflow as tf

    return tf.__version__
