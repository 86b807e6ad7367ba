"""What a training will take, said before it has: time and disk space."""

import resource
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from autoencode.config import make_config
from autoencode.dataset.pipeline import frames_in_order, training_batches
from autoencode.dataset.shots import find_shots
from autoencode.networks.build import build_autoencoder, parameter_counts
from autoencode.plan import Plan
from autoencode.progress import duration
from autoencode.training.checkpoints import KEPT
from autoencode.training.components import principal_components
from autoencode.training.second_encoder import SecondEncoder
from autoencode.training.step import Trainer

MEASURED_STEPS, MEASURED_SECONDS = 10, 5.0
"""A step's time is measured over the first steps, until either is reached."""

REHEARSED = 64, 320
"""Frames of a film, whole batches of 64, by whose components it is judged how long all of them take."""


class Headline:
    """The first line: what is trained, and how long it will take, measured over the first steps."""

    def __init__(self, plan: Plan, step: int, steps: int) -> None:
        self._plan, self._first, self._steps = plan, step, steps
        self._begun, self._said = 0.0, False

    def begins(self, step: int) -> bool:
        """Whether time counts from this step on: the one before it, the first, builds the graph."""
        return step == self._first + 1

    def due(self, step: int) -> bool:
        """Whether, after this step, enough was measured. True once."""
        done = step - self._first
        if self.begins(step):
            self._begun = time.monotonic()
            return step == self._steps
        measured = done > MEASURED_STEPS or time.monotonic() - self._begun > MEASURED_SECONDS
        if self._said or not (measured or step == self._steps):
            return False
        self._said = True
        return True

    def text(self, step: int) -> str:
        """The line, said after `step`."""
        plan, config = self._plan, self._plan.run.config
        a_step = (time.monotonic() - self._begun) / max(1, step - self._first - 1)
        per_epoch = plan.run.steps_per_epoch
        origin = plan.run.origin
        begins = f"begins with the networks of {origin.folder}, {origin.weights}" if origin else "begins"
        doing = f"goes on at epoch {self._first / per_epoch:.2f}" if self._first else begins
        left = duration(a_step * (self._steps - self._first))
        usual = make_config(plan.run.preset, recipe=config.recipe).to_json()
        said = [f"preset {plan.run.preset} in {config.precision}"]
        for name, value in config.to_json().items():
            if name not in ("precision", "epochs") and value != usual[name]:
                said.append(f"{name} {value}")
        broken = " (it ends where its film broke)" if plan.dataset.broken else ""
        how_long = f"about {left} ({a_step:.2g} s a step)"
        if plan.run.config.second_epochs and (self._first < self._steps or not plan.run.second_done):
            more = duration(a_step * plan.run.second_steps)
            how_long += f"; then {plan.run.second_steps} steps of the second encoder, at least {more}"
        return (
            f"dataset {plan.dataset.name}{broken}, {' '.join(said)}; run {plan.run.name} {doing};"
            f" to epoch {plan.epochs}, {per_epoch} steps each: {how_long}"
        )


def rehearse(plan: Plan, trainer: Trainer) -> None:
    """Prints what a training would be, from a few steps on weights that are thrown away; writes nothing."""
    run, config = plan.run, plan.run.config
    step = round(run.epochs_done * run.steps_per_epoch)
    headline = Headline(plan, step, max(plan.epochs * run.steps_per_epoch, step + 2))
    for frames in training_batches(plan.dataset, config.batch_size, config.seed, 0).repeat():
        trainer.train_step(frames)
        trainer.step.numpy()
        step += 1
        if headline.due(step):
            break
    print(headline.text(step))
    for name, count in parameter_counts(trainer.networks).items():
        print(f"{name}: {count:,} trainable parameters")
    keeps_linear_path = run.origin and run.origin.keeps_linear_path
    if config.linear_path and not run.states() and not keeps_linear_path:
        print(f"before the first step: the film's components, about {duration(_components_take(plan))}")
    if config.second_epochs and not plan.finished:
        print(f"after the last: the second encoder, about {duration(_second_encoder_takes(plan))}")
    print(f"memory: {_peak_bytes() / 1e6:,.0f} MB at the peak of these steps")
    print(f"disk space: up to {disk_bytes(plan, trainer) / 1e6:,.0f} MB. A dry run: nothing was written.")


def _peak_bytes() -> int:
    """The most memory that this process has held so far: the GPUs', or without one the machine's."""
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return sum(tf.config.experimental.get_memory_info(gpu.name)["peak"] for gpu in gpus)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _components_take(plan: Plan) -> float:
    """Seconds that a film's components take, judged by those of two beginnings of it."""

    def take(count: int) -> float:
        def frames() -> Iterator[np.ndarray]:
            for batch in frames_in_order(plan.dataset, 64).take(count // 64).as_numpy_iterator():
                yield from batch["frame"]

        begun, found = time.monotonic(), find_shots(frames())
        principal_components(frames, found, plan.run.config.latent_size)
        return time.monotonic() - begun

    few, more = REHEARSED
    take(few)  # what is loaded at the first call is no measure
    if plan.dataset.frames < more:
        return take(few) * plan.dataset.frames / few
    short, long = take(few), take(more)
    return short + max(0.0, long - short) * (plan.dataset.frames - few) / (more - few)


def _second_encoder_takes(plan: Plan) -> float:
    """Seconds that all steps of the second encoder take, judged by a few."""
    run, config = plan.run, plan.run.config
    second = SecondEncoder(config, build_autoencoder(config), run.second_steps)
    batches = training_batches(plan.dataset, 2 * config.batch_size, config.seed, 0).repeat()
    begun = 0.0
    for frames in batches.take(1 + MEASURED_STEPS):
        second.train_step(frames)
        second.step.numpy()
        begun = begun or time.monotonic()  # the first builds the graph
        if time.monotonic() - begun > MEASURED_SECONDS:
            break
    return run.second_steps * (time.monotonic() - begun) / max(1, int(second.step) - 1)


def disk_bytes(plan: Plan, trainer: Trainer) -> int:
    """Bytes that a run takes, at most, to the last of the plan's epochs.

    Three networks with Adam's two moments, float32, in each state, good or only paused at, and in the one
    being written; encoder and decoder once an epoch, and twice as the best; the linear path in all of them.
    Of the second encoder and its decoder three states and two weights.
    """
    counts, path = parameter_counts(trainer.networks), trainer.networks.encoder.linear_path
    fixed = path.count_params() if path else 0
    state = 3 * sum(counts.values()) + fixed
    weights = counts["encoder"] + counts["decoder"] + fixed
    first = state * (KEPT + 2) + weights * (plan.epochs + 2)
    second = 3 * (3 * (counts["encoder"] + counts["decoder"]) + fixed) + 2 * weights
    return 4 * (first + (second if plan.run.config.second_epochs else 0))
