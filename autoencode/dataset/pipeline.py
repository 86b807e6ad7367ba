"""Records → batches: what the networks are fed with, by `tf.data` alone."""

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from autoencode.dataset.builder import SHARDS
from autoencode.dataset.catalogue import Dataset

SHUFFLE_BYTES = 2 << 30
"""Memory for the shuffle's buffer, of encoded frames: an hour at 256×144. Of more it mixes what it can hold,
read from all shards at once, each another stretch of the film."""


def training_batches(
    dataset: Dataset, batch_size: int, seed: int, epoch: int, skip: int = 0
) -> tf.data.Dataset:
    """One epoch in an order of its own: every frame of the film, shuffled.

    The last batch is filled up with frames from the epoch's beginning: no frame is dropped, every batch has
    the same shape, and a film shorter than a batch is a batch.

    Args:
        dataset: which frames.
        batch_size: frames in a batch.
        seed: of the training.
        epoch: from 0; seed and epoch decide the order.
        skip: batches to leave out at the beginning, where an interrupted epoch goes on.

    Returns:
        ⌈frames / batch_size⌉ − `skip` batches (batch_size, height, width, 3) uint8.
    """
    builder = tfds.builder_from_directory(dataset.folder)
    records = _records(builder, "train", cycle_length=SHARDS)
    frame_bytes = builder.info.splits["train"].num_bytes / dataset.frames
    buffer = max(1, min(dataset.frames, int(SHUFFLE_BYTES / frame_bytes)))
    order_seed = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
    frames = (
        records.map(lambda record: record["frame"])
        .shuffle(buffer, seed=order_seed, reshuffle_each_iteration=False)
        .repeat()
        .take(-(-dataset.frames // batch_size) * batch_size)
        .skip(skip * batch_size)
        .map(builder.info.features["frame"].decode_example, num_parallel_calls=tf.data.AUTOTUNE)
    )
    return frames.batch(batch_size, drop_remainder=True).prefetch(4)


def frames_in_order(dataset: Dataset, batch_size: int, split: str = "train") -> tf.data.Dataset:
    """Frames in film order, each once, the last batch as small as it comes.

    Args:
        dataset: which frames.
        batch_size: frames in a batch.
        split: TFDS's notation for a part of the film, such as 'train[:10%]' or 'train[240:480]'.

    Returns:
        Batches of {'frame': uint8, 'index': int64, 'film': int64, 'time': float64 seconds}.
    """
    builder = tfds.builder_from_directory(dataset.folder)
    decode = builder.info.features["frame"].decode_example

    def decoded(record: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {**record, "frame": decode(record["frame"])}

    records = _records(builder, split, cycle_length=1)
    return records.map(decoded, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size).prefetch(4)


def sample_frames(dataset: Dataset, count: int) -> np.ndarray:
    """Fixed frames: the middles of `count` equal parts of the film, (count, height, width, 3) uint8."""
    count = min(count, dataset.frames)
    middles = [int((part + 0.5) * dataset.frames / count) for part in range(count)]
    split = "+".join(f"train[{index}:{index + 1}]" for index in middles)
    return np.concatenate(
        [batch["frame"] for batch in frames_in_order(dataset, 1, split).as_numpy_iterator()]
    )


def _records(builder: tfds.core.DatasetBuilder, split: str, cycle_length: int) -> tf.data.Dataset:
    """Records with the frame still encoded, in an order that depends on nothing but the files."""
    options = tf.data.Options()
    options.deterministic = True
    config = tfds.ReadConfig(
        options=options,
        interleave_cycle_length=cycle_length,
        num_parallel_calls_for_interleave_files=min(cycle_length, 4),
        enable_ordering_guard=cycle_length == 1,  # reading in film order is asked for, or it is not
        try_autocache=False,
    )
    decoders: dict[str, Any] = {"frame": tfds.decode.SkipDecoding()}
    return builder.as_dataset(split=split, read_config=config, decoders=decoders, shuffle_files=False)
