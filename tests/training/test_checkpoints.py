import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from autoencode.config import make_config
from autoencode.errors import UserError
from autoencode.networks.build import build_networks
from autoencode.run import Run
from autoencode.training.checkpoints import Checkpoints, restore_origin, restore_weights
from autoencode.training.guard import Guard, Memory
from autoencode.training.step import Trainer

CONFIG = make_config("tiny", precision="float32")


@pytest.fixture(scope="module", autouse=True)
def _eagerly():
    """A graph takes longer to draw than a few steps need; what is trained through one: test_resume.py."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def a_run(folder, config=CONFIG):
    run = Run(folder, config, "tiny", "film", 10, id=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    run.write()
    return run


def train(trainer, seed):
    """Stands in for a step, which takes longer: other numbers everywhere."""
    draws = np.random.default_rng(seed)
    for of in (*trainer.networks, *trainer.optimizers):
        for variable in of.variables:
            if "float" in str(variable.dtype):
                variable.assign_add(draws.uniform(0, 0.01, variable.shape))
    trainer.loss_scale.update(tf.constant(False))
    trainer.step.assign_add(1)


def trained(run, steps=2):
    """A trainer after some steps, saved after each."""
    trainer = Trainer(run.config, schedule_steps=10)
    checkpoints = Checkpoints(run, trainer, Guard(CONFIG, schedule_steps=10))
    for seed in range(steps):
        train(trainer, seed)
        checkpoints.save(good=True)
    checkpoints.save_epoch(1)
    return trainer


def everything(trainer):
    optimizers = [v for optimizer in trainer.optimizers for v in optimizer.variables]
    networks = [v for network in trainer.networks for v in network.variables]
    return [v.numpy() for v in [*networks, *optimizers, *trainer.counters]]


def truncate(path):
    data = path.with_suffix(".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:1000])


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_save_scramble_restore_compare(precision, tmp_path):
    config = dataclasses.replace(CONFIG, precision=precision)
    run = a_run(tmp_path, config)
    expected = everything(trained(run))
    fresh = Trainer(dataclasses.replace(config, seed=9), schedule_steps=10)
    assert Checkpoints(run, fresh, Guard(CONFIG, schedule_steps=10)).restore_latest() == 2
    for ours, theirs in zip(everything(fresh), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("all_three", [True, False])
def test_networks_begin_with_those_of_another_run_as_far_as_they_are_there(tmp_path, all_three):
    run = a_run(tmp_path)
    expected = trained(run).networks
    if not all_three:
        shutil.move(run.epoch_path(1).parent, run.folder / "best")  # as if it was shared without its states
        for file in (run.folder / "best").glob("0001.*"):
            file.rename(file.with_name(f"0-step-2{file.suffix}"))
        shutil.rmtree(run.checkpoints)
    networks = build_networks(dataclasses.replace(CONFIG, seed=9))
    drawn = [variable.numpy() for variable in networks.discriminator.variables]
    restore_origin(run.as_origin(keeps_linear_path=False), networks)
    for name, network, other in zip(networks._fields, networks, expected, strict=True):
        values = [variable.numpy() for variable in other.variables]
        kept = name == "discriminator" and not all_three
        for variable, value in zip(network.variables, drawn if kept else values, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)


def test_what_a_kill_left_half_written_or_half_deleted_goes(tmp_path):
    run = a_run(tmp_path)
    trainer = trained(run)
    checkpoints = Checkpoints(run, trainer, Guard(CONFIG, schedule_steps=10))
    checkpoints.save_best()
    for name in ("step-1.mine.data-00000-of-00001", "step-1 copy.data-00000-of-00001", "mine_temp"):
        (run.checkpoints / name).touch()  # somebody else's
    whole = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    half = run.checkpoints / "pause-9_temp"
    half.mkdir()
    (half / "part-00000-of-00001.data-00000-of-00001").touch()
    (run.checkpoints / "step-7.data-00000-of-00001").touch()  # its index was deleted first
    (tmp_path / "best" / "9-step-2.data-00000-of-00001").touch()
    assert checkpoints.restore_latest() == 2
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == whole
    assert not half.exists()


def test_of_two_bests_the_older_goes_with_the_next(tmp_path):
    run = a_run(tmp_path)
    trainer = trained(run)
    checkpoints = Checkpoints(run, trainer, Guard(CONFIG, schedule_steps=10))
    for _ in range(2):
        checkpoints.save_best()
        for path in (tmp_path / "best").glob("0-*"):
            (tmp_path / "kept").mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / "kept")
    for path in (tmp_path / "kept").iterdir():  # as if killed before it was deleted
        shutil.copy(path, tmp_path / "best")
    assert [path.name for path in run.bests] == ["0-step-2", "1-step-2"]
    checkpoints.save_best()
    assert [path.name for path in run.bests] == ["2-step-2"]


def test_a_damaged_state_falls_back_to_the_one_before(tmp_path, capsys):
    run = a_run(tmp_path)
    trained(run)
    truncate(run.states()[0])
    assert Checkpoints(run, Trainer(CONFIG, 10), Guard(CONFIG, schedule_steps=10)).restore_latest() == 1
    assert "step-2" in capsys.readouterr().err


def test_when_all_states_are_damaged_training_does_not_begin_anew(tmp_path):
    run = a_run(tmp_path)
    trained(run)
    for path in run.states():
        truncate(path)
    with pytest.raises(UserError, match="none of its checkpoints can be read"):
        Checkpoints(run, Trainer(CONFIG, 10), Guard(CONFIG, schedule_steps=10)).restore_latest()


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
    chosen = run.weights(None)
    chosen.with_suffix(".index").unlink()
    with pytest.raises(UserError, match=r"step-2: is gone; .* type the command again"):
        restore_weights(run, chosen, encoder, decoder)


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


def test_the_best_weights_are_rendered_unless_told_otherwise(tmp_path):
    run = a_run(tmp_path)
    trainer = Trainer(CONFIG, 10)
    checkpoints = Checkpoints(run, trainer, Guard(CONFIG, schedule_steps=10))
    checkpoints.save(good=True)
    with pytest.raises(UserError, match="has no checkpoint yet"):
        run.weights()  # of step 0: networks that know nothing
    outputs = {}
    for step in (1, 2, 3):
        train(trainer, step)
        checkpoints.save(good=True)
        if step < 3:
            checkpoints.save_best()
        outputs[step] = trainer.networks.decoder(tf.ones((1, CONFIG.latent_size)))
    assert run.weights() == run.best
    assert [path.name for path in (tmp_path / "best").glob("*.index")] == ["1-step-2.index"]
    for weights, step in ((run.weights(), 2), (run.weights(last=True), 3)):
        encoder, decoder, _ = build_networks(dataclasses.replace(CONFIG, seed=5))
        restore_weights(run, weights, encoder, decoder)
        np.testing.assert_array_equal(decoder(tf.ones((1, CONFIG.latent_size))), outputs[step])


def test_training_goes_back_to_the_newest_good_state_and_then_to_the_one_before(tmp_path):
    run = a_run(tmp_path)
    trainer, guard = Trainer(CONFIG, 10), Guard(CONFIG, schedule_steps=10)
    checkpoints = Checkpoints(run, trainer, guard)
    for step, good in ((0, True), (1, True), (2, True), (3, False)):
        guard.memory.best_psnr = 10.0 + step
        checkpoints.save(good)
        train(trainer, step)
    guard.memory.rollbacks = 1
    assert checkpoints.restore_good()
    assert int(trainer.step) == 2
    assert guard.memory == Memory(best_psnr=12.0, rollbacks=1, returned_to=2)
    assert [path.name for path in run.states()] == ["step-2", "step-1", "step-0"]
    for rollbacks, step in ((2, 1), (3, 0), (4, 0)):  # the last is never given up
        guard.memory.rollbacks = rollbacks
        assert checkpoints.restore_good()
        assert (int(trainer.step), guard.memory.rollbacks) == (step, rollbacks)
    assert [path.name for path in run.states()] == ["step-0"]


def test_pauses_take_no_good_states_place_and_go_when_training_has_gone_on(tmp_path):
    run = a_run(tmp_path)
    trainer = trained(run, steps=5)
    checkpoints = Checkpoints(run, trainer, Guard(CONFIG, schedule_steps=10))
    for step in (5, 6, 7, 8):
        checkpoints.save(good=False)
        train(trainer, step)
    assert [path.name for path in run.states()] == ["pause-8", "step-5", "step-4", "step-3"]
    assert Checkpoints(run, trainer, Guard(CONFIG, schedule_steps=10)).restore_latest() == 8
    checkpoints.save(good=True)
    assert [path.name for path in run.states()] == ["step-8", "step-5", "step-4"]


def test_after_a_rollback_nothing_is_left_of_what_came_later(tmp_path):
    run = a_run(tmp_path)  # 10 frames in batches of 4: three steps an epoch
    trainer, guard = Trainer(CONFIG, 10), Guard(CONFIG, schedule_steps=10)
    checkpoints = Checkpoints(run, trainer, guard)
    for step in range(7):
        if step == 4:
            checkpoints.save(good=True)
        if step in (3, 6):
            checkpoints.save_epoch(step // 3)
        train(trainer, step)
    checkpoints.save(good=False)
    assert checkpoints.restore_good()
    assert [path.name for path in run.states()] == ["step-4"]
    assert [path.name for path in run.epochs_after(0)] == ["0001"]


def test_when_no_good_state_can_be_read_none_is_deleted(tmp_path):
    run = a_run(tmp_path)
    trainer = trained(run)
    for path in run.states():
        truncate(path)
    assert not Checkpoints(run, trainer, Guard(CONFIG, schedule_steps=10)).restore_good()
    assert len(run.states()) == 2
