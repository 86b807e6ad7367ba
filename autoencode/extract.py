"""A film → a dataset of its frames, made once."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import autoencode
from autoencode.config import format_size
from autoencode.dataset import catalogue
from autoencode.dataset.catalogue import Dataset, Source
from autoencode.files import check_room, locked
from autoencode.film.decode import Frame, read_frames
from autoencode.film.probe import FilmInfo, probe
from autoencode.film.timeline import Timeline, scan
from autoencode.progress import bar
from autoencode.quiet import quiet

BYTES_PER_PIXEL = 1.0
"""Of a JPEG record, rounded up from what films were measured at (data/README.md)."""

LONG_TO_HASH = 1 << 30
"""Files from this many bytes on get a progress bar while their SHA-256 is worked out."""


def extract(path: Path, size: tuple[int, int], data_dir: Path) -> Dataset:
    """Writes every frame of a film into a dataset, or finds the one made before.

    Args:
        path: any file with a picture that ffmpeg decodes.
        size: (width, height) of the frames, multiples of 16.
        data_dir: the folder of all datasets.

    Raises:
        UserError: the film cannot be read or breaks off, or the disk is too small.
    """
    film = probe(path)
    check_room(data_dir, 0, "", "choose another --data_dir")
    known = [dataset for dataset in catalogue.datasets(data_dir) if dataset.size == size]
    stat = path.stat()
    for dataset in known:
        seen = (dataset.source.path, dataset.source.bytes, dataset.source.modified)
        if seen == (str(path.resolve()), stat.st_size, stat.st_mtime_ns):
            return _newest(dataset)
    sha256 = _sha256(path)
    for dataset in known:
        if dataset.source.sha256 == sha256:
            return _newest(dataset)
    name = catalogue.dataset_name(path.stem, size, sha256)
    folder = data_dir / catalogue.BUILDER / name / catalogue.VERSION
    timeline = scan(film)
    _say_room(data_dir, timeline, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / ".lock", f"{path}: is being extracted by another process; wait for it"):
        for stale in folder.parent.glob("incomplete.*"):
            shutil.rmtree(stale)  # left by a process that was killed
        try:
            _write(film, timeline, size, name, sha256, data_dir)
        finally:
            # Inside the lock: a call that was refused must not clear away what another is writing.
            if not folder.exists():
                shutil.rmtree(folder.parent, ignore_errors=True)
    return catalogue.read(folder)


def _newest(dataset: Dataset) -> Dataset:
    """Makes a dataset that was named again the one that `train` takes."""
    (dataset.folder / "metadata.json").touch()
    return dataset


def _write(
    film: FilmInfo, timeline: Timeline, size: tuple[int, int], name: str, sha256: str, data_dir: Path
) -> None:
    with quiet():
        from autoencode.dataset.builder import FilmFrames, write
    stat = film.path.stat()
    source = Source(
        name=film.path.name,
        path=str(film.path.resolve()),
        sha256=sha256,
        bytes=stat.st_size,
        modified=stat.st_mtime_ns,
        width=film.width,
        height=film.height,
        sample_aspect=str(film.sample_aspect),
        rate=str(timeline.rate),
        duration=timeline.duration,
    )

    def frames() -> Iterator[Frame]:
        with bar(timeline.count, "frames", "frame") as progress:
            for frame in read_frames(film, size, timeline=timeline):
                yield frame
                progress.update()

    stored = catalogue.metadata(source, size, timeline.count, autoencode.__version__)
    write(
        FilmFrames(
            name=name, size=size, frames=frames, count=timeline.count, stored=stored, data_dir=data_dir
        )
    )


def _sha256(path: Path) -> str:
    size, digest = path.stat().st_size, hashlib.sha256()
    with path.open("rb") as file, bar(size, "SHA-256", "bytes", hidden=size < LONG_TO_HASH) as progress:
        while block := file.read(1 << 24):
            digest.update(block)
            progress.update(len(block))
    return digest.hexdigest()


def _say_room(data_dir: Path, timeline: Timeline, size: tuple[int, int]) -> None:
    """Says what is needed; stops if it is not there."""
    needed = timeline.count * size[0] * size[1] * BYTES_PER_PIXEL
    if needed > 1e9:
        needed *= 2  # TFDS keeps up to 1 GB in memory while it writes, and more than that on disk
    what = f"{timeline.count:,} frames of {format_size(size)} under {data_dir}/"
    free = check_room(data_dir, needed, f"{what}: extraction", "choose another --data_dir")
    print(f"{what}: up to {needed / 1e6:,.0f} MB ({free / 1e6:,.0f} MB are free)", flush=True)
