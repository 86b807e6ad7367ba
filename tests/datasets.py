"""Makes small datasets without a film."""

import json
from pathlib import Path

import numpy as np
from films import numbered

from autoencode.dataset import catalogue
from autoencode.dataset.catalogue import Dataset, Source


def source(name: str = "film.mkv") -> Source:
    """What the metadata say of a film that never was."""
    return Source(name, f"/films/{name}", "0" * 64, 1, 1, 640, 360, "1", "24", 1.0, 24, "")


def make_dataset(
    data_dir: Path,
    frames: int | np.ndarray = 10,
    size: tuple[int, int] = (32, 32),
    name: str = "film-32x32-00000000",
) -> Dataset:
    """Writes a dataset of numbered grey frames (or of those given), 24 a second."""
    from autoencode.dataset.builder import FilmFrames, Record, write

    pictures = numbered(frames, size) if isinstance(frames, int) else frames
    builder = FilmFrames(
        name=name,
        size=size,
        records=lambda: (Record(picture, 0, index / 24) for index, picture in enumerate(pictures)),
        count=len(pictures),
        stored=lambda: catalogue.metadata([source()], size, "", 0, "", "test"),
        data_dir=data_dir,
    )
    write(builder)
    return catalogue.find(data_dir, name)


def fake_dataset(data_dir: Path, name: str, size: tuple[int, int], frames: int) -> Path:
    """What can be known of a dataset without TensorFlow, and nothing else of it; returns its folder."""
    folder = data_dir / catalogue.BUILDER / name / catalogue.VERSION
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps(catalogue.metadata([source()], size, "", 0, "", "test")))
    info = {"splits": [{"name": "train", "shardLengths": [str(frames - 1), "1"]}]}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return folder
