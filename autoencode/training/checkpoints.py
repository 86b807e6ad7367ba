"""States on disk: saved whole, restored in full or not at all.

TensorFlow writes a checkpoint's data before its index and renames both into place, so an index means that
the data was whole once; whether it still is, and whose it is, is asked at every restore.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from autoencode.errors import UserError
from autoencode.networks.decoder import Decoder
from autoencode.networks.encoder import Encoder
from autoencode.run import Run
from autoencode.training.step import Trainer

KEPT = 3
"""States that training can go back to."""


class Checkpoints:
    """A training's states in its run folder.

    Args:
        run: where.
        trainer: whose networks, optimisers and step.
    """

    def __init__(self, run: Run, trainer: Trainer) -> None:
        self._run, self._networks, self._step = run, trainer.networks, trainer.step
        self._run_id = tf.Variable(run.id, trainable=False)
        self._state = tf.train.Checkpoint(
            **{name: _variables(network) for name, network in trainer.networks._asdict().items()},
            optimizers=[_variables(optimizer) for optimizer in trainer.optimizers],
            step=trainer.step,
            run_id=self._run_id,
        )
        self._manager = tf.train.CheckpointManager(
            self._state, str(run.checkpoints), max_to_keep=KEPT, checkpoint_name="step"
        )

    def save(self) -> None:
        """Writes the state; the oldest beyond `KEPT` goes."""
        self._manager.save(checkpoint_number=self._step)

    def save_epoch(self, epoch: int) -> None:
        """Keeps encoder and decoder as they are after this epoch (1 is the first)."""
        encoder, decoder, _ = self._networks
        weights = tf.train.Checkpoint(
            encoder=_variables(encoder), decoder=_variables(decoder), run_id=self._run_id
        )
        weights.write(str(self._run.epoch_path(epoch)))

    def restore_latest(self) -> int:
        """Restores the newest state that is whole; returns its step, 0 if the run has none.

        Raises:
            UserError: there are states and none can be read.
        """
        paths = self._run.states()
        for path in paths:
            try:
                # `restore`, not `read`: a state that the manager saved also counts its saves.
                _attempt(lambda path=path: self._state.restore(str(path)).assert_consumed(), path)
                _check_id(self._run_id, self._run, path)
                return int(self._step)
            except UserError as error:
                print(f"{error}; trying the one before", file=sys.stderr)
        if paths:
            raise UserError(f"{self._run.checkpoints}: none of its checkpoints can be read; start a new run")
        return 0


def restore_weights(run: Run, path: Path, encoder: Encoder, decoder: Decoder) -> None:
    """Restores encoder and decoder for rendering, from a state or from an epoch's weights.

    Raises:
        UserError: the checkpoint is incomplete, or another run's. Never are random weights left.
    """
    run_id = tf.Variable("", trainable=False)
    state = tf.train.Checkpoint(encoder=_variables(encoder), decoder=_variables(decoder), run_id=run_id)
    mend = f"; take another --epoch, or delete {path.name}.* to fall back on the state before"
    status = _attempt(lambda: state.read(str(path)).assert_existing_objects_matched(), path, mend)
    status.expect_partial()  # optimisers and discriminator are not needed to render
    _check_id(run_id, run, path)


def _variables(owner: keras.Model | keras.optimizers.Optimizer) -> list[tf.Variable]:
    """All of a network's or an optimiser's state, in its own order.

    Given the Keras object itself, `tf.train.Checkpoint` leaves out every layer that is kept in a list, and
    `assert_consumed` holds all the same.
    """
    return [variable.value for variable in owner.variables]


def _attempt(restore: Callable[[], Any], path: Path, mend: str = "") -> Any:
    try:
        return restore()
    except (tf.errors.OpError, AssertionError, ValueError, IndexError, KeyError) as error:
        # What a damaged or foreign file raises depends on where it is damaged; the first line says enough.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: damaged, or of other networks ({reason[:120]}){mend}") from None


def _check_id(run_id: tf.Variable, run: Run, path: Path) -> None:
    if run_id.numpy().decode() != run.id:
        raise UserError(f"{path}: is a checkpoint of another run than {run.folder / 'config.json'} describes")
