"""The shards of a dataset, and which of them cannot be read."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from autoencode.dataset.catalogue import Dataset
from autoencode.errors import UserError
from autoencode.frame_size import format_size

_OF_READING = (tf.errors.DataLossError, tf.errors.NotFoundError, tf.errors.FailedPreconditionError)
"""What TensorFlow raises where a shard is torn, missing, or cut between records; not which one."""


@contextmanager
def shards_named(dataset: Dataset) -> Iterator[None]:
    """While this holds, an error in reading records is one line that names their shard.

    Raises:
        UserError: a shard is missing, damaged, or has fewer records than were written.
    """
    try:
        yield
    except _OF_READING:
        if shard := _first_broken(dataset):
            films = [f"--film={source.path}" for source in dataset.sources]
            anew = shlex.join(
                ["python", "-m", "autoencode.frames", *films, f"--size={format_size(dataset.size)}"]
            )
            raise UserError(
                f"{shard}: missing or damaged; delete the folder {dataset.folder.parent}, and make it"
                f" anew with `{anew}`"
            ) from None
        raise


def _first_broken(dataset: Dataset) -> Path | None:
    split = tfds.builder_from_directory(dataset.folder).info.splits["train"]
    for path, count in zip(split.filepaths, split.shard_lengths, strict=True):
        try:
            records = sum(1 for _ in tf.data.TFRecordDataset(str(path)))
        except _OF_READING:
            records = 0
        if records != count:
            return Path(path)
    return None
