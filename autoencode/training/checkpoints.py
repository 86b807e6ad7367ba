"""States on disk: saved whole, restored in full or not at all.

TensorFlow writes a checkpoint's data before its index and renames both into place, so an index means that
the data was whole once; whether it still is, and whose it is, is asked at every restore.

There are states that a training may come back to after a collapse, `step-N`, some hundreds of steps apart,
and those that it only goes on from, `pause-N`: because an epoch ended, Ctrl-C came, or a sign of collapse
showed. `tf.train.CheckpointManager` knows one kind, and counts what is gone.
"""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from autoencode.errors import UserError
from autoencode.networks.build import Networks
from autoencode.networks.decoder import Decoder
from autoencode.networks.encoder import Encoder
from autoencode.run import Origin, Run, read_run
from autoencode.training.guard import Guard
from autoencode.training.second_encoder import SecondEncoder
from autoencode.training.step import Trainer

KEPT = 3
"""Good states that are kept."""


class Checkpoints:
    """A training's states in its run folder.

    Args:
        run: where.
        trainer: whose networks, optimisers and counters.
        guard: whose memory goes with them.
    """

    def __init__(self, run: Run, trainer: Trainer, guard: Guard) -> None:
        self._run, self._trainer, self._guard = run, trainer, guard
        self._run_id = tf.Variable(run.id, trainable=False)
        self._memory = tf.Variable("", trainable=False)
        self._state = tf.train.Checkpoint(
            **{name: _variables(network) for name, network in trainer.networks._asdict().items()},
            optimizers=[_variables(optimizer) for optimizer in trainer.optimizers],
            counters=trainer.counters,
            memory=self._memory,
            run_id=self._run_id,
        )

    def save(self, good: bool) -> None:
        """Writes the state; the oldest good one beyond `KEPT` goes, and every pause before it.

        Args:
            good: training may come back to it. Where it goes back to must not depend on when it was
                interrupted, so a state that Ctrl-C asked for is not good.
        """
        self._memory.assign(self._guard.to_json())
        path = self._run.state_path(int(self._trainer.step), good)
        self._state.write(str(path))
        for old in self._run.good_states()[KEPT:]:
            _unlink(old)
        for state in self._run.states():
            if state != path and state not in self._run.good_states():
                _unlink(state)

    def save_epoch(self, epoch: int) -> None:
        """Keeps encoder and decoder as they are after this epoch (1 is the first)."""
        self._weights().write(str(self._run.epoch_path(epoch)))

    def save_best(self) -> None:
        """Keeps encoder and decoder as they are now as the run's best."""
        self._weights().write(str(self._run.next_best_path(int(self._trainer.step))))
        for old in self._run.bests[:-1]:
            _unlink(old)

    def restore_latest(self) -> int:
        """Restores the newest state that is whole; returns its step, 0 if the run has none.

        What was left of states whose writing or deleting was cut off goes first.

        Raises:
            UserError: there are states and none can be read.
        """
        for folder in (self._run.checkpoints, self._run.folder / "best", self._run.folder / "epochs"):
            _sweep(folder)
        paths = self._run.states()
        for path in paths:
            try:
                self._restore(path)
                return int(self._trainer.step)
            except UserError as error:
                print(f"{error}; trying the one before", file=sys.stderr)
        if paths:
            raise UserError(f"{self._run.checkpoints}: none of its checkpoints can be read; start a new run")
        return 0

    def restore_good(self) -> bool:
        """Restores the newest good state; if the last rollback went there too, the one before it, if any.

        What is newer is deleted, epochs' weights too. The guard's memory is the state's, but for what it
        knows of rollbacks and of the best weights. To be saved at once, or a kill makes it forget that.

        Returns:
            False if there is no good state that can be read; then nothing is deleted.
        """
        now, paths = self._guard.memory, self._run.good_states()
        if len(paths) > 1 and paths[0] == self._run.state_path(now.returned_to, good=True):
            paths = paths[1:]
        for path in paths:
            try:
                self._restore(path)
            except UserError as error:
                print(f"{error}; trying the one before", file=sys.stderr)
                continue
            step = int(self._trainer.step)
            self._guard.memory = replace(
                self._guard.memory,
                returned_to=step,
                rollbacks=now.rollbacks,
                kept_psnr=now.kept_psnr,
                since={},
            )
            states = self._run.states()
            for newer in states[: states.index(path)] + self._run.epochs_after(step):
                _unlink(newer)
            return True
        return False

    def _restore(self, path: Path) -> None:
        _attempt(lambda: self._state.read(str(path)).assert_consumed(), path)
        _check_id(self._run_id, self._run, path)
        self._guard.from_json(self._memory.numpy().decode())

    def _weights(self) -> tf.train.Checkpoint:
        encoder, decoder, _ = self._trainer.networks
        return tf.train.Checkpoint(
            encoder=_variables(encoder), decoder=_variables(decoder), run_id=self._run_id
        )


class SecondCheckpoints:
    """The second encoder's states in its run folder, and its weights at the end.

    Args:
        run: where.
        second: what is saved.
    """

    def __init__(self, run: Run, second: SecondEncoder) -> None:
        self._run, self._second = run, second
        self._run_id = tf.Variable(run.id, trainable=False)
        networks = {"encoder": _variables(second.encoder), "decoder": _variables(second.decoder)}
        self._weights = tf.train.Checkpoint(**networks, run_id=self._run_id)
        self._state = tf.train.Checkpoint(
            **networks,
            optimizers=[_variables(optimizer) for optimizer in second.optimizers],
            counters=[second.step, *second.loss_scale.counters],
            run_id=self._run_id,
        )

    def save(self) -> None:
        """Writes the state; the ones before it go."""
        path = self._run.second_path(int(self._second.step))
        path.parent.mkdir(exist_ok=True)
        self._state.write(str(path))
        for old in self._run.second_states:
            if old != path:
                _unlink(old)

    def restore_latest(self) -> int:
        """Restores the newest state; returns its step, 0 if there is none.

        Raises:
            UserError: it cannot be read.
        """
        _sweep(self._run.folder / "second")
        if not self._run.second_states:
            return 0
        path = self._run.second_states[0]
        mend = f"; delete {path.name}.*, and the second encoder begins anew"
        _attempt(lambda: self._state.read(str(path)).assert_consumed(), path, mend)
        _check_id(self._run_id, self._run, path)
        return int(self._second.step)

    def finish(self) -> None:
        """Keeps encoder and decoder as they are now; what is older in the folder goes, and all states."""
        path = self._run.second_path()
        path.parent.mkdir(exist_ok=True)
        self._weights.write(str(path))
        for old in {found.with_suffix("") for found in path.parent.glob("*.index")} - {path}:
            _unlink(old)


def restore_weights(run: Run, path: Path, encoder: Encoder, decoder: Decoder) -> None:
    """Restores encoder and decoder for rendering, from a state or from an epoch's weights.

    Raises:
        UserError: the checkpoint is gone, incomplete, or another run's. Never are random weights left.
    """
    if not path.with_name(f"{path.name}.index").exists():
        raise UserError(
            f"{path}: is gone; the run is being trained and has a newer state: type the command again"
        )
    mend = f"; take another --epoch, --last, or delete {path.name}.* to fall back on another state"
    if run.is_second(path):
        mend = f"; take --encoder=own, or delete {path.name}.* and train the run again for another"
    _restore_networks(run, path, {"encoder": encoder, "decoder": decoder}, mend)


def restore_origin(origin: Origin, networks: Networks) -> None:
    """Gives networks the weights of the run that they begin with, those that it does not have apart.

    Raises:
        UserError: as `restore_weights`, or the run is gone.
    """
    source = read_run(Path(origin.folder))
    restore_weights(source, source.folder / origin.weights, networks.encoder, networks.decoder)
    if origin.discriminator is not None:
        _restore_networks(
            source, source.folder / origin.discriminator, {"discriminator": networks.discriminator}
        )


def _restore_networks(run: Run, path: Path, networks: dict[str, keras.Model], mend: str = "") -> None:
    run_id = tf.Variable("", trainable=False)
    state = tf.train.Checkpoint(
        **{name: _variables(network) for name, network in networks.items()}, run_id=run_id
    )
    status = _attempt(lambda: state.read(str(path)).assert_existing_objects_matched(), path, mend)
    status.expect_partial()  # the optimisers, and the other networks
    _check_id(run_id, run, path)


def _variables(owner: keras.Model | keras.optimizers.Optimizer) -> list[tf.Variable]:
    """All of a network's or an optimiser's state, in its own order.

    Given the Keras object itself, `tf.train.Checkpoint` leaves out every layer that is kept in a list, and
    `assert_consumed` holds all the same.
    """
    return [variable.value for variable in owner.variables]


def _unlink(path: Path) -> None:
    """The index first: without it there is no checkpoint."""
    path.with_name(path.name + ".index").unlink(missing_ok=True)
    for file in path.parent.glob(f"{path.name}.data-*"):
        file.unlink()


def _sweep(folder: Path) -> None:
    """Deletes the folders that TensorFlow writes in, and data of ours whose index is gone."""
    for path in folder.glob("*"):
        ours = r"(?:(?:step|pause|beside)-)?\d+(?:-step-\d+|-at-\d+)?"
        found = re.fullmatch(rf"({ours})(_temp|\.data-\d+-of-\d+)", path.name)
        if found and found[2] == "_temp":
            shutil.rmtree(path)
        elif found and not path.with_name(f"{found[1]}.index").exists():
            path.unlink()


def _attempt(restore: Callable[[], Any], path: Path, mend: str = "") -> Any:
    try:
        return restore()
    except (tf.errors.ResourceExhaustedError, tf.errors.AbortedError):
        raise  # memory is short, and the file not damaged
    except (tf.errors.OpError, AssertionError, ValueError, IndexError, KeyError) as error:
        # What a damaged or foreign file raises depends on where it is damaged; the first line says enough.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: damaged, or of other networks ({reason[:120]}){mend}") from None


def _check_id(run_id: tf.Variable, run: Run, path: Path) -> None:
    if run_id.numpy().decode() != run.id:
        raise UserError(f"{path}: is a checkpoint of another run than {run.folder / 'config.json'} describes")
