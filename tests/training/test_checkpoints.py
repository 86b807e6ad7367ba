import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from autoencode.config import PRESETS, Config
from autoencode.errors import UserError
from autoencode.networks.build import build_networks
from autoencode.run import Run
from autoencode.training.checkpoints import Checkpoints, restore_weights
from autoencode.training.step import METRICS, Trainer

CONFIG = Config(**{**PRESETS["tiny"], "precision": "float32"})


def a_run(folder, config=CONFIG):
    run = Run(folder, config, "tiny", "film", 10, id=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    run.write()
    return run


def batch(seed=0):
    return tf.cast(tf.random.stateless_uniform((4, 32, 32, 3), (seed, 0), 0, 256, tf.int32), tf.uint8)


def trained(run, steps=2):
    """A trainer after some steps, saved after each."""
    trainer = Trainer(run.config, noise_steps=10)
    checkpoints = Checkpoints(run, trainer)
    for seed in range(steps):
        trainer.train_step(batch(seed), tf.zeros(len(METRICS)))
        checkpoints.save()
    checkpoints.save_epoch(1)
    return trainer


def everything(trainer):
    optimizers = [v for optimizer in trainer.optimizers for v in optimizer.variables]
    return [
        v.numpy() for v in [*(v for n in trainer.networks for v in n.variables), *optimizers, trainer.step]
    ]


def truncate(path):
    data = path.with_suffix(".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:1000])


def test_save_scramble_restore_compare(tmp_path):
    run = a_run(tmp_path)
    expected = everything(trained(run))
    fresh = Trainer(dataclasses.replace(CONFIG, seed=9), noise_steps=10)
    assert Checkpoints(run, fresh).restore_latest() == 2
    for ours, theirs in zip(everything(fresh), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_damaged_state_falls_back_to_the_one_before(tmp_path, capsys):
    run = a_run(tmp_path)
    trained(run)
    truncate(run.states()[0])
    assert Checkpoints(run, Trainer(CONFIG, 10)).restore_latest() == 1
    assert "step-2" in capsys.readouterr().err


def test_when_all_states_are_damaged_training_does_not_begin_anew(tmp_path):
    run = a_run(tmp_path)
    trained(run)
    for path in run.states():
        truncate(path)
    with pytest.raises(UserError, match="none of its checkpoints can be read"):
        Checkpoints(run, Trainer(CONFIG, 10)).restore_latest()


def test_only_the_last_few_states_are_kept(tmp_path):
    run = a_run(tmp_path)
    trained(run, steps=5)
    assert [path.name for path in run.states()] == ["step-5", "step-4", "step-3"]


@pytest.mark.parametrize("epoch", [None, 1])
def test_rendering_restores_the_trained_networks(tmp_path, epoch):
    run = a_run(tmp_path)
    trainer = trained(run)
    encoder, decoder, _ = build_networks(dataclasses.replace(CONFIG, seed=5))
    restore_weights(run, run.weights(epoch), encoder, decoder)
    frames = tf.random.stateless_uniform((2, 32, 32, 3), (3, 0), -1.0, 1.0)
    expected = trainer.networks.decoder(trainer.networks.encoder(frames).mean)
    np.testing.assert_array_equal(decoder(encoder(frames).mean), expected)


def test_rendering_never_falls_back_or_goes_on_with_random_weights(tmp_path):
    run = a_run(tmp_path / "ours")
    encoder, decoder, _ = build_networks(CONFIG)
    with pytest.raises(UserError, match="has no checkpoint yet"):
        run.weights(None)
    trained(run)
    with pytest.raises(UserError, match=r"--epoch=7: .*1 to 1 are kept"):
        run.weights(7)
    truncate(run.states()[0])
    with pytest.raises(UserError, match="step-2: damaged"):
        restore_weights(run, run.weights(None), encoder, decoder)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    theirs = a_run(tmp_path / "theirs", dataclasses.replace(CONFIG, seed=1))
    trained(theirs)
    ours = a_run(tmp_path / "ours")
    theirs.checkpoints.rename(ours.checkpoints)
    encoder, decoder, _ = build_networks(CONFIG)
    with pytest.raises(UserError, match="of another run"):
        restore_weights(ours, ours.weights(None), encoder, decoder)


def test_a_checkpoint_of_other_networks_is_refused(tmp_path):
    wide = a_run(tmp_path / "wide", dataclasses.replace(CONFIG, width=8))
    trained(wide)
    ours = a_run(tmp_path / "ours")
    wide.checkpoints.rename(ours.checkpoints)
    encoder, decoder, _ = build_networks(CONFIG)
    with pytest.raises(UserError, match="step-2: damaged, or of other networks"):
        restore_weights(ours, ours.weights(None), encoder, decoder)
