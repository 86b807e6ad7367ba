"""Epochs: batches in, a run folder out. Stops when asked to, and goes on from where it stopped."""

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import tensorflow as tf
from tqdm import tqdm

from autoencode.config import PRESETS, Config
from autoencode.dataset.pipeline import sample_frames, training_batches
from autoencode.errors import UserError
from autoencode.files import check_room
from autoencode.networks.build import parameter_counts
from autoencode.plan import Plan
from autoencode.progress import bar, duration
from autoencode.training.checkpoints import KEPT, Checkpoints
from autoencode.training.journal import Journal
from autoencode.training.precision import resolve
from autoencode.training.step import METRICS, Trainer

SAMPLES = 12
"""Fixed frames that are reconstructed again and again."""

FIGURES_LAYOUT = "{percentage:3.0f}% {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"
"""Of the progress bar: no bar, for the sake of the figures, in 80 columns."""

MEASURED_STEPS, MEASURED_SECONDS = 10, 5.0
"""A step's time is measured over the first steps, until either is reached."""


@dataclass(frozen=True)
class Rhythm:
    """How often a training writes what, besides at the end of each epoch."""

    figures: int = 50  # steps
    pictures: int = 500  # steps
    checkpoint: float = 600.0  # seconds


def train(plan: Plan, rhythm: Rhythm = Rhythm(), dry_run: bool = False) -> None:
    """Trains until `plan.epochs` epochs are done, or until Ctrl-C.

    Args:
        plan: what to train.
        rhythm: how often to write.
        dry_run: say what would be done, from a few steps on weights that are thrown away; write nothing.

    Raises:
        UserError: another process trains the run, its checkpoints cannot be read, or the disk is too small.
        KeyboardInterrupt: it was asked to stop, and has saved.
    """
    run = plan.run
    if not plan.resumes:
        run = replace(run, config=replace(run.config, precision=resolve(run.config.precision)))
    plan = replace(plan, run=run)
    trainer = Trainer(run.config, noise_steps=run.config.epochs * run.steps_per_epoch)
    if dry_run:
        _rehearse(plan, trainer)
        return
    needed = _disk_bytes(plan, trainer)
    check_room(run.folder, needed, f"{run.folder}: training", "choose another --run path")
    with run.locked(), _stop_asked() as stop:
        if not plan.resumes:
            run.write()
        loop = _Loop(plan, trainer, rhythm, stop)
        try:
            loop.run()
        except Exception:
            with suppress(OSError):
                run.write_status("failed", loop.step, plan.epochs)
            raise


class _Loop:
    """The state of a running training."""

    def __init__(self, plan: Plan, trainer: Trainer, rhythm: Rhythm, stop: list[bool]) -> None:
        self.plan, self.trainer, self.rhythm, self.stop = plan, trainer, rhythm, stop
        self.per_epoch = plan.run.steps_per_epoch
        self.checkpoints = Checkpoints(plan.run, trainer)
        self.step = self.checkpoints.restore_latest()
        self.steps = plan.epochs * self.per_epoch
        frames = sample_frames(plan.dataset, SAMPLES)
        self.journal = Journal(plan.run, trainer, frames, self.step)
        self.totals, self.summed, self.saved = _zeros(), 0, time.monotonic()

    def run(self) -> None:
        run = self.plan.run
        run.write_status("running", self.step, self.plan.epochs)
        if self.step == 0:
            self.journal.pictures(0, 0.0)  # the time-lapse begins with networks that know nothing
        with bar(self.steps, "training", "step", done=self.step, layout=FIGURES_LAYOUT) as progress:
            headline = _Headline(self.plan, self.step, self.steps)
            for frames in self._batches():
                self.totals = self.trainer.train_step(frames, self.totals)
                self.step, self.summed = self.step + 1, self.summed + 1
                if headline.due(self.step):
                    self.totals.numpy()  # on a GPU the steps are only queued until somebody looks
                    progress.write(headline.text(self.step))
                progress.update()
                self._write_what_is_due(progress)
                if self.stop[0]:
                    break
        finished = self.step >= self.steps
        if finished:
            run.write_status("finished", self.step, self.plan.epochs)
        else:
            self._save("interrupted")
        timelapse = self.journal.timelapse()
        self.journal.close()
        if not finished:
            raise KeyboardInterrupt(f"stopped at step {self.step} and saved; go on with: {self.plan.command}")
        print(f"trained: {run.folder}; to look at: {timelapse}")

    def _batches(self) -> Iterator[tf.Tensor]:
        config = self.plan.run.config
        while self.step < self.steps:
            epoch, skip = divmod(self.step, self.per_epoch)
            yield from training_batches(self.plan.dataset, config.batch_size, config.seed, epoch, skip)

    def _write_what_is_due(self, progress: tqdm) -> None:
        epoch_ends = self.step % self.per_epoch == 0
        if self.step % self.rhythm.figures == 0 or epoch_ends:
            progress.set_postfix_str(self._figures(), refresh=False)
        if self.step % self.rhythm.pictures == 0 or epoch_ends:
            self.journal.pictures(self.step, self.step / self.per_epoch)
        if epoch_ends:
            self.checkpoints.save_epoch(self.step // self.per_epoch)
            self._save("running")
        elif time.monotonic() - self.saved > self.rhythm.checkpoint:
            self._save("running")

    def _figures(self) -> str:
        """Writes the means since the last time; returns them in a few words."""
        self._check_finite()
        means = dict(zip(METRICS, (self.totals.numpy() / self.summed).tolist(), strict=True))
        self.totals, self.summed = _zeros(), 0
        self.journal.figures(self.step, self.step / self.per_epoch, means)
        kl, pixel, likeness, gan, decoder, discriminator = (
            means[name] for name in ("kl", "pixel", "likeness", "gan", "decoder_steps", "discriminator_steps")
        )
        losses = f"kl {kl:.2f} px {pixel:.2f} like {likeness:.2f} gan {gan:.1f}"
        return f"{losses} steps {decoder:.0%} {discriminator:.0%}"

    def _save(self, state: str) -> None:
        self._check_finite()
        self.checkpoints.save()
        self.plan.run.write_status(state, self.step, self.plan.epochs)
        self.saved = time.monotonic()

    def _check_finite(self) -> None:
        """Stops before weights that are lost are saved over good ones."""
        lost = [
            name for name, total in zip(METRICS, self.totals.numpy(), strict=True) if not math.isfinite(total)
        ]
        if lost:
            states = self.plan.run.states()
            last = f"the last good state is {states[0].name}" if states else "no state was saved before"
            raise UserError(
                f"run {self.plan.run.name}: {lost[0]} is no longer a number by step {self.step}; {last};"
                " begin a new run with a lower --learning_rate or another --seed"
            )


class _Headline:
    """The first line: what is trained, and how long it will take, measured over the first steps."""

    def __init__(self, plan: Plan, step: int, steps: int) -> None:
        self._plan, self._first, self._steps = plan, step, steps
        self._begun, self._said = 0.0, False

    def due(self, step: int) -> bool:
        """Whether, after this step, enough was measured. True once."""
        done = step - self._first
        if done == 1:
            self._begun = time.monotonic()  # the first step builds the graph: it does not count
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
        doing = f"goes on at epoch {self._first / per_epoch:.2f}" if self._first else "begins"
        left = duration(a_step * (self._steps - self._first))
        usual = Config(**PRESETS[plan.run.preset]).to_json()
        said = [f"preset {plan.run.preset} in {config.precision}"]
        for name, value in config.to_json().items():
            if name not in ("precision", "epochs") and value != usual[name]:
                said.append(f"{name} {value}")
        how_long = f"about {left} ({a_step:.2g} s a step)"
        return (
            f"dataset {plan.dataset.name}, {' '.join(said)}; run {plan.run.name} {doing};"
            f" to epoch {plan.epochs}, {per_epoch} steps each: {how_long}"
        )


def _rehearse(plan: Plan, trainer: Trainer) -> None:
    run, config = plan.run, plan.run.config
    step = round(run.epochs_done * run.steps_per_epoch)
    headline = _Headline(plan, step, max(plan.epochs * run.steps_per_epoch, step + 2))
    for frames in training_batches(plan.dataset, config.batch_size, config.seed, 0).repeat():
        trainer.train_step(frames, _zeros()).numpy()
        step += 1
        if headline.due(step):
            break
    print(headline.text(step))
    for name, count in parameter_counts(trainer.networks).items():
        print(f"{name}: {count:,} trainable parameters")
    print(f"disk space: up to {_disk_bytes(plan, trainer) / 1e6:,.0f} MB. A dry run: nothing was written.")


def _disk_bytes(plan: Plan, trainer: Trainer) -> int:
    """Three networks with Adam's two moments, float32, in each state and in the one being written; encoder
    and decoder once an epoch.
    """
    counts = parameter_counts(trainer.networks)
    states = 4 * 3 * sum(counts.values()) * (KEPT + 1)
    return states + 4 * (counts["encoder"] + counts["decoder"]) * plan.epochs


def _zeros() -> tf.Tensor:
    return tf.zeros(len(METRICS))


@contextmanager
def _stop_asked() -> Iterator[list[bool]]:
    """A flag that Ctrl-C (or the like) raises, so that a step in progress ends; a second one ends at once."""
    asked = [False]

    def ask(number: int, frame: object) -> None:
        if asked[0]:
            raise KeyboardInterrupt
        asked[0] = True

    kept = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
