"""Films → a dataset of their frames, made once."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

import autoencode
from autoencode.dataset import catalogue
from autoencode.dataset.catalogue import Dataset, Source
from autoencode.errors import UserError
from autoencode.files import check_room, locked
from autoencode.film.damage import Damage
from autoencode.film.decode import read_frames
from autoencode.film.folder import FILMS, read_folder, sha256_of, state_of
from autoencode.film.probe import FilmInfo, probe
from autoencode.film.reading import WHOLE, Reading, describe, find_film, look_at, typed_rate
from autoencode.film.timeline import Timeline
from autoencode.frame_size import format_size
from autoencode.progress import bar
from autoencode.quiet import quiet

_File = tuple[str, int, int]  # where a film lies, its bytes, when it was changed, in nanoseconds since 1970

BYTES_PER_PIXEL = 1.0
"""Of a JPEG record, rounded up from what films were measured at (data/README.md)."""


def extract(
    paths: Sequence[Path], size: tuple[int, int], data_dir: Path, reading: Reading = WHOLE, black: int = 0
) -> Dataset:
    """Writes every frame of one or more films into a dataset, or finds the one made before.

    Args:
        paths: any files with a picture that ffmpeg decodes, or folders that are one film; their frames
            follow each other in this order.
        size: (width, height) of the frames, multiples of 16.
        data_dir: the folder of all datasets.
        reading: which part of each film, and how.
        black: so many black frames follow at the end.

    Raises:
        UserError: a film cannot be read or breaks off, or the disk is too small. What could be read before a
            picture that could not is kept, a dataset that says so.
    """
    headers = [probe(path, typed_rate(reading.rate)) for path in paths]
    check_room(data_dir, 0, "", "choose another --data_dir")
    known = [
        dataset
        for dataset in catalogue.datasets(data_dir)
        if (dataset.size, dataset.reading, dataset.black) == (size, str(reading), black)
        and not dataset.broken
    ]
    files = [_file(film.path) for film in headers]
    for dataset in known:
        if [(source.path, source.bytes, source.modified) for source in dataset.sources] == files:
            return _newest(dataset)
    hashes = [sha256_of(path) for path in paths]
    for dataset in known:
        if [source.sha256 for source in dataset.sources] == hashes:
            return _newest(dataset)
    name = catalogue.dataset_name(_title(paths), size, _identity(hashes, reading, black))
    folder = data_dir / catalogue.BUILDER / name / catalogue.VERSION
    found = [find_film(path, reading) for path in paths]
    with quiet(), ThreadPoolExecutor() as pool:
        pool.submit(import_module, "autoencode.dataset.builder")  # seconds, which a look need not add to
        films = [(look_at(film, whole, reading), timeline) for film, whole, timeline in found]
    for film, _ in films:
        if treatment := describe(film):
            print(f"{film.path.name}: {treatment}", flush=True)
    _say_room(data_dir, sum(timeline.count for _, timeline in films) + black, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    busy = f"{folder.parent}: is being extracted by another process; wait for it"
    aside = folder.with_name("broken")
    with locked(folder.parent / ".lock", busy):
        _clear(folder.parent)  # left by a process that was killed
        if folder.exists():
            there = catalogue.read(folder)
            if not there.broken:
                return there  # another process was quicker
            folder.rename(aside)  # perhaps the film will not break off again
        try:
            _write(films, files, hashes, size, name, data_dir, str(reading), black)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("interrupted; typed again, it begins anew") from None
        finally:
            # Inside the lock: a call that was refused must not clear away what another is writing.
            if folder.exists():
                shutil.rmtree(aside, ignore_errors=True)
            elif aside.exists():
                aside.rename(folder)
            else:
                _clear(folder.parent)
                (folder.parent / ".lock").unlink()
    for _, timeline in films:
        timeline.damage.say()
    dataset = catalogue.read(folder)
    if dataset.broken:
        kept = f"the {dataset.frames:,} frames before it are kept: {dataset.folder}"
        raise UserError(f"{dataset.broken}; {kept}")
    return dataset


def films_in(folder: Path) -> list[Path]:
    """The films in a folder, by name, or the folder itself if it is one film.

    What is not one is passed over, and named; hidden files are not.

    Raises:
        UserError: there is none, or one that is called a film cannot be read.
    """
    if read_folder(folder):
        return [folder]
    films, others = [], []
    for path in sorted(path for path in folder.iterdir() if path.name[0] != "."):
        if path.is_dir():
            others.append(f"the folder {path.name}")
            continue
        try:
            films.append(probe(path).path)
        except UserError:
            if path.suffix.lower() in FILMS:
                raise
            others.append(path.name)
    if not films:
        folders = ", and folders in it are not entered" if any(map(Path.is_dir, folder.iterdir())) else ""
        raise UserError(f"{folder}: holds no film{folders}; name a film, or a folder of films")
    if others:
        print(f"{folder}: passed over {', '.join(others)}", flush=True)
    return films


def _file(path: Path) -> _File:
    return str(path.resolve()), *state_of(path)


def _title(paths: Sequence[Path]) -> str:
    """A film's name; of several that of their folder."""
    return paths[0].stem if len(paths) == 1 else paths[0].resolve().parent.name


def _identity(hashes: list[str], reading: Reading, black: int) -> str:
    """A film's SHA-256; where there is more to say, that of all of it."""
    if len(hashes) == 1 and not str(reading) and not black:
        return hashes[0]
    return hashlib.sha256(repr((hashes, str(reading), black)).encode()).hexdigest()


def _clear(folder: Path) -> None:
    for incomplete in folder.glob("incomplete.*"):
        shutil.rmtree(incomplete, ignore_errors=True)


def _newest(dataset: Dataset) -> Dataset:
    """Makes a dataset that was named again the one that `train` takes."""
    (dataset.folder / "metadata.json").touch()
    for source in dataset.sources:
        Damage(Path(source.name), notes=list(source.damage)).say()
    return dataset


def _write(
    films: Sequence[tuple[FilmInfo, Timeline]],
    files: Sequence[_File],
    hashes: Sequence[str],
    size: tuple[int, int],
    name: str,
    data_dir: Path,
    reading: str,
    black: int,
) -> None:
    from autoencode.dataset.builder import SHARDS, FilmFrames, Record, write

    count = sum(timeline.count for _, timeline in films) + black
    broken = ""

    def records() -> Iterator[Record]:
        nonlocal broken
        with bar(count, "frames", "frame") as progress:
            for number, (film, timeline) in enumerate(films):
                try:
                    for frame in read_frames(film, size, timeline=timeline):
                        yield Record(frame.pixels, number, frame.time)
                        progress.update()
                except UserError as error:
                    if progress.n < SHARDS:
                        raise
                    broken = str(error)
                    return
            for _ in range(black):
                yield Record(np.zeros((size[1], size[0], 3), np.uint8), len(films), 0.0)
                progress.update()

    def stored() -> dict[str, Any]:
        sources = [_source(*film, *about) for film, *about in zip(films, files, hashes, strict=True)]
        return catalogue.metadata(sources, size, reading, black, broken, autoencode.__version__)

    with closing(records()) as coming:
        # A dataset has no more shards than records: whether there are enough is known when they have come.
        first = list(islice(coming, SHARDS))
        builder = FilmFrames(
            name=name,
            size=size,
            records=lambda: chain(first, coming),
            count=count if len(first) == SHARDS else max(1, len(first)),
            stored=stored,
            data_dir=data_dir,
        )
        write(builder)


def _source(film: FilmInfo, timeline: Timeline, file: _File, sha256: str) -> Source:
    path, size, modified = file
    if not film.path.exists() or _file(film.path) != file:
        timeline.damage.note("was changed or taken away while it was read")
    return Source(
        name=film.path.name,
        path=path,
        sha256=sha256,
        bytes=size,
        modified=modified,
        width=film.width,
        height=film.height,
        sample_aspect=str(film.sample_aspect),
        rate=str(timeline.rate),
        duration=timeline.duration,
        pictures=timeline.count,
        treatment=describe(film),
        damage=tuple(timeline.damage.notes),
    )


def _say_room(data_dir: Path, count: int, size: tuple[int, int]) -> None:
    """Says what is needed; stops if it is not there."""
    needed = count * size[0] * size[1] * BYTES_PER_PIXEL
    if needed > 1e9:
        needed *= 2  # TFDS keeps up to 1 GB in memory while it writes, and more than that on disk
    what = f"{count:,} frames of {format_size(size)} under {data_dir}/"
    free = check_room(data_dir, needed, f"{what}: extraction", "choose another --data_dir")
    print(f"{what}: up to {needed / 1e6:,.0f} MB ({free / 1e6:,.0f} MB are free)", flush=True)
