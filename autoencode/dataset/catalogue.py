"""Which datasets there are, read from their metadata alone: no TensorFlow, so an answer is immediate."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autoencode.errors import UserError
from autoencode.frame_size import format_size

BUILDER = "film_frames"
"""TFDS's name of the builder: datasets are `<data_dir>/film_frames/<name>/<version>/`."""

VERSION = "1.1.0"


@dataclass(frozen=True)
class Source:
    """A film that a dataset was made of, as it was then."""

    name: str
    path: str
    sha256: str
    bytes: int
    modified: int  # nanoseconds since 1970
    width: int
    height: int
    sample_aspect: str
    rate: str  # frames per second, a fraction
    duration: float  # seconds, of the part that was taken
    pictures: int  # of that part; each is a frame, but for those that cannot be decoded
    treatment: str  # what was done to them but to bring them to size, in words
    damage: tuple[str, ...] = ()  # what was found wrong with it


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk: TFDS renames the folder into place when the last record is written."""

    name: str
    folder: Path
    size: tuple[int, int]  # width, height of a frame in pixels
    frames: int  # records written, by TFDS's own count
    sources: tuple[Source, ...]  # in the order of their frames; a record's `film` is a place in here
    reading: str  # which part of each, and how, where that was not as usual
    black: int  # black frames after the last film
    broken: str = ""  # where and why the frames end before the films do, if they do

    @property
    def time(self) -> float:
        """When it was written, seconds since 1970."""
        return (self.folder / "metadata.json").stat().st_mtime


def dataset_name(title: str, size: tuple[int, int], sha256: str) -> str:
    """'big_buck_bunny-96x64-475fbbf3': what it is of, size of the frames, first of its SHA-256."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_") or "film"
    return f"{plain}-{format_size(size)}-{sha256[:8]}"


def metadata(
    sources: Sequence[Source], size: tuple[int, int], reading: str, black: int, broken: str, version: str
) -> dict[str, Any]:
    """What is stored beside the records: the films, how their pictures became frames, by whom."""
    return {
        "sources": [asdict(source) for source in sources],
        "size": list(size),
        "reading": reading,
        "black": black,
        "broken": broken,
        "fit": "scaled to cover, cropped at the centre",
        "autoencode": version,
    }


def read(folder: Path) -> Dataset:
    """The dataset in a version folder. Raises `UserError` if it is not one of ours."""
    try:
        stored = json.loads((folder / "metadata.json").read_text())
        (split,) = json.loads((folder / "dataset_info.json").read_text())["splits"]
        frames = sum(int(length) for length in split["shardLengths"])
        width, height = stored["size"]
        sources = tuple(
            Source(**{**source, "damage": tuple(source.get("damage", ()))}) for source in stored["sources"]
        )
        name, reading, black = folder.parent.name, stored["reading"], stored["black"]
        broken = stored.get("broken", "")
        return Dataset(name, folder, (width, height), frames, sources, reading, black, broken)
    except (OSError, ValueError, TypeError, KeyError):
        make = "make one with `python -m autoencode.frames --film=FILM`"
        raise UserError(f"{folder}: not a dataset of frames; {make}") from None


def datasets(data_dir: Path) -> list[Dataset]:
    """All readable datasets under `data_dir`, the newest first."""
    known = []
    for path in data_dir.glob(f"{BUILDER}/*/{VERSION}/metadata.json"):
        try:
            known.append(read(path.parent))
        except UserError:
            continue  # a damaged one is not the newest of ours
    return sorted(known, key=lambda dataset: dataset.time, reverse=True)


def find(data_dir: Path, name: str | None) -> Dataset:
    """The dataset of that name (or an unambiguous beginning of it), or the newest.

    Raises:
        UserError: there is none, or the beginning fits several.
    """
    known = datasets(data_dir)
    if not known:
        make = "make one with `python -m autoencode.frames --film=FILM`"
        raise UserError(f"no dataset under {data_dir.absolute()}/: {make}")
    if name is None:
        return known[0]
    fitting = [dataset for dataset in known if dataset.name == name]
    fitting = fitting or [dataset for dataset in known if dataset.name.startswith(name)]
    names = ", ".join(dataset.name for dataset in fitting or known)
    if not fitting:
        raise UserError(f"--dataset={name}: not under {data_dir.absolute()}/; there is {names}")
    if len(fitting) > 1:
        raise UserError(f"--dataset={name}: fits several: {names}")
    return fitting[0]
