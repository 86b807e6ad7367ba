"""Frames → sharded TFRecords with their metadata, through TFDS: film in, `data/film_frames/<name>/` out."""

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from autoencode.dataset.catalogue import VERSION
from autoencode.errors import UserError

SHARDS = 16
"""Parallel reads draw from this many places of the film at once."""

JPEG_QUALITY = 95
"""With full colour resolution: 38 to 40 dB, less than half of PNG's bytes (data/README.md)."""

_KEYS = 1 << 128
"""TFDS sorts records by 128-bit keys, through buckets by key: evenly spread keys fill them evenly."""


def features(size: tuple[int, int]) -> tfds.features.FeaturesDict:
    """The record's schema, as in `Record`; the frame as JPEG, and its place in the dataset from 0."""
    width, height = size
    return tfds.features.FeaturesDict(
        {
            "frame": tfds.features.Image(shape=(height, width, 3), encoding_format="jpeg"),
            "index": tfds.features.Scalar(np.int64),
            "film": tfds.features.Scalar(np.int64),
            "time": tfds.features.Scalar(np.float64),
        }
    )


class Record(NamedTuple):
    """A frame, and where it comes from."""

    pixels: np.ndarray  # uint8 (height, width, 3)
    film: int  # place in `Dataset.sources`; one more than the last for a frame of none
    time: float  # seconds since its film's start


class FilmFrames(tfds.core.GeneratorBasedBuilder):
    """Films' frames, in film order. Its configuration's name is the dataset's name.

    Args:
        name: of the dataset.
        size: (width, height) of the frames.
        records: called once, gives the frames in order.
        count: how many there will be.
        stored: what goes into `metadata.json`, asked for once the frames are there.
        data_dir: the folder that holds all datasets.
    """

    VERSION = tfds.core.Version(VERSION)

    def __init__(
        self,
        *,
        name: str,
        size: tuple[int, int],
        records: Callable[[], Iterable[Record]],
        count: int,
        stored: Callable[[], dict[str, Any]],
        data_dir: Path,
    ) -> None:
        self.count = count
        self._size, self._records, self._stored = size, records, stored
        config = tfds.core.BuilderConfig(name=name, description="The frames of films.")
        super().__init__(data_dir=data_dir, config=config)

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=features(self._size),
            metadata=tfds.core.MetadataDict(),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        del dl_manager  # nothing is downloaded
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        spread = _KEYS // self.count
        for index, (pixels, film, time) in enumerate(self._records()):
            record = {"frame": encode(pixels), "index": index, "film": film, "time": time}
            yield min(index * spread, _KEYS - 1), record
        self.info.metadata.update(self._stored())


def encode(pixels: np.ndarray) -> bytes:
    """A uint8 (height, width, 3) frame as JPEG."""
    # Pillow itself: imageio, which calls it, takes twice as long for a small frame.
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    return buffer.getvalue()


def write(builder: FilmFrames) -> None:
    """Writes the dataset; a folder under its final name is a readable one, with all records that came.

    Raises:
        UserError: it cannot be written: the disk is full, or the folder is not ours.
        Whatever the records raise. In either case nothing is left.
    """
    tfds.disable_progress_bar()
    config = tfds.download.DownloadConfig(num_shards=min(SHARDS, builder.count), try_download_gcs=False)
    with (
        tempfile.TemporaryDirectory() as downloads,  # there are none, but TFDS wants a place for them
        contextlib.redirect_stdout(io.StringIO()),  # and speaks of them
    ):
        try:
            builder.download_and_prepare(download_dir=downloads, download_config=config)
        except Exception as error:
            raise _cause(error, builder) from None


def _cause(error: BaseException, builder: FilmFrames) -> BaseException:
    """What is behind an error that TFDS may have wrapped in another."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, UserError):
            return link
        if isinstance(link, OSError | tf.errors.OpError):
            reason = str(link).strip().splitlines()[0]
            return UserError(f"{builder.data_path}: cannot be written ({reason}); is there room on the disk?")
        link = link.__cause__ or link.__context__
    return error
