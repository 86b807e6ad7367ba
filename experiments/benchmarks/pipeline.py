"""How fast and how well mixed the batches come, against the training that eats them.

    python experiments/benchmarks/pipeline.py big_buck_bunny-96x64 demo

Speed: frames a second of the input pipeline alone over one epoch (after its first batch), of training on
one batch that is already there, and of both together. Mixing: how far apart in the film the frames of a
batch lie, on average over all pairs, as a share of what blind drawing gives (a third of the film).
"""

import sys
import time
from pathlib import Path

import numpy as np

from autoencode.config import make_config
from autoencode.dataset.catalogue import find
from autoencode.quiet import quiet

with quiet():
    import tensorflow as tf

    from autoencode.dataset.pipeline import frames_in_order, training_batches
    from autoencode.training.precision import resolve
    from autoencode.training.step import Trainer

STEPS = 100


def main(name: str, preset: str) -> None:
    """Prints both."""
    dataset = find(Path("data"), name)
    config = make_config(preset, size=dataset.size, precision=resolve("auto"))
    print(f"{dataset.name}, preset {preset}, batch {config.batch_size}, {config.precision}")

    batches = iter(training_batches(dataset, config.batch_size, 0, epoch=0))
    first = next(batches)
    begun = time.monotonic()
    count = sum(1 for _ in batches)
    pipeline = count * config.batch_size / (time.monotonic() - begun)

    trainer = Trainer(config, schedule_steps=1000)
    trainer.train_step(first)
    training = frames_a_second(trainer, [first] * STEPS)
    together = frames_a_second(trainer, training_batches(dataset, config.batch_size, 0, epoch=1).take(STEPS))
    print(f"pipeline alone   {pipeline:8.0f} frames/s, {pipeline / training:.1f} × training")
    print(f"training alone   {training:8.1f} frames/s")
    print(f"both together    {together:8.1f} frames/s, {together / training:.2f} × training alone")
    print(f"mixing           {mixing(dataset, config.batch_size):8.3f} of blind drawing")


def frames_a_second(trainer: Trainer, batches: tf.data.Dataset | list[tf.Tensor]) -> float:
    """Of training steps on these batches."""
    begun = time.monotonic()
    for batch in batches:
        trainer.train_step(batch)
    trainer.step.numpy()  # waits for the last of them
    return STEPS * trainer.config.batch_size / (time.monotonic() - begun)


def mixing(dataset: object, batch_size: int) -> float:
    """Mean distance of two frames of a batch over a third of the film, told by the frames' pixels."""
    places = {}
    for batch in frames_in_order(dataset, 256).as_numpy_iterator():
        for frame, index in zip(batch["frame"], batch["index"], strict=True):
            places.setdefault(frame.tobytes(), []).append(int(index))
    gaps = []
    for batch in training_batches(dataset, batch_size, 0, epoch=0).as_numpy_iterator():
        # Frames that are alike to the bit stand at several places: the middle one will do.
        where = np.array([places[frame.tobytes()][len(places[frame.tobytes()]) // 2] for frame in batch])
        gaps.append(np.abs(where[:, None] - where[None, :])[np.triu_indices(len(where), 1)].mean())
    return float(np.mean(gaps)) / (dataset.frames / 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
