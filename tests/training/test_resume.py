"""Interrupted or not: the same weights, to the bit."""

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from datasets import make_dataset

from autoencode.config import make_config
from autoencode.dataset.pipeline import sample_frames
from autoencode.errors import UserError
from autoencode.metrics import psnr
from autoencode.plan import Plan
from autoencode.reconstruct import Reconstructor
from autoencode.run import Run, read_run
from autoencode.training import loop
from autoencode.training.loop import Rhythm, train

CONFIG = make_config("tiny", precision="float32", epochs=2, linear_path=True)
RHYTHM = Rhythm(figures=2, pictures=1000, checkpoint=1000)
STEPS = 6  # 10 frames in batches of 4 are 3 steps an epoch


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    draws = np.random.default_rng(0)
    pictures = draws.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    return make_dataset(tmp_path_factory.mktemp("data"), pictures)


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """A run that was trained without a break; not to be changed."""
    return trained(dataset, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def unbroken(whole):
    return final_weights(whole)


def trained(dataset, folder: Path, **fields) -> Run:
    """Trains, or goes on training, the run in a folder to its 2 epochs."""
    config = dataclasses.replace(CONFIG, **fields)
    resumes = (folder / "config.json").exists()
    run = read_run(folder) if resumes else Run(folder, config, "tiny", dataset.name, dataset.frames, "id")
    train(Plan(run, dataset, epochs=2, resumes=resumes), RHYTHM)
    return run


def final_weights(run: Run) -> dict[str, np.ndarray]:
    path = str(run.states()[0])
    assert path.endswith(f"pause-{STEPS}")
    names = [
        name for name, _ in tf.train.list_variables(path) if "save_counter" not in name and name[0] != "_"
    ]
    return {name: tf.train.load_variable(path, name) for name in names}


def same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)


def stop_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for Ctrl-C, which cannot be timed: asks the loop to stop after a step."""
    due = loop._Loop._write_what_is_due

    def write_what_is_due(self: loop._Loop, progress: object) -> bool:
        held = due(self, progress)
        self.stop[0] = self.step == step
        return held

    monkeypatch.setattr(loop._Loop, "_write_what_is_due", write_what_is_due)


@pytest.mark.parametrize("step", [3, *(pytest.param(step, marks=pytest.mark.slow) for step in (1, 2, 4, 5))])
def test_interrupted_at_any_step_the_weights_are_those_of_the_unbroken_run(
    step, dataset, unbroken, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        stop_after(step, patch)
        with pytest.raises(KeyboardInterrupt, match=f"stopped at step {step} "):
            trained(dataset, tmp_path)
    monkeypatch.setattr(loop, "principal_components", None)  # the linear path is laid once
    same(final_weights(trained(dataset, tmp_path)), unbroken)
    assert '"finished"' in (tmp_path / "status.json").read_text()


def test_the_linear_path_is_not_learned(dataset, whole, unbroken):
    paths = [values for values in unbroken.values() if np.shape(values) == (32 * 32 * 3, 8)]
    assert len(paths) == 1  # encoder and decoder have the same; no optimiser has moments of it
    np.testing.assert_allclose(paths[0].T @ paths[0], np.eye(8), atol=1e-5)
    frames = sample_frames(dataset, 10)
    remembered = Reconstructor(whole, whole.weights())(frames)
    assert psnr(frames, remembered).numpy().mean() > 20  # their mean picture has 11


@pytest.mark.slow
def test_stopped_while_the_linear_path_is_laid_a_run_begins_anew(dataset, unbroken, tmp_path, monkeypatch):
    found = loop.find_shots

    def asked_to_stop(pictures: object) -> list[range]:
        os.kill(os.getpid(), signal.SIGINT)
        return found(pictures)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "find_shots", asked_to_stop)
        with pytest.raises(KeyboardInterrupt, match="stopped before the first step"):
            trained(dataset, tmp_path)
    assert '"interrupted"' in (tmp_path / "status.json").read_text()
    same(final_weights(trained(dataset, tmp_path)), unbroken)


@pytest.mark.slow
def test_another_seed_gives_other_weights(dataset, unbroken, tmp_path):
    other = final_weights(trained(dataset, tmp_path, seed=1))
    kernels = [name for name, values in unbroken.items() if np.ndim(values) == 4]
    assert len(kernels) > 12  # and Adam's moments of them
    for name in kernels:
        assert np.any(other[name] != unbroken[name])


def figures(folder: Path) -> list[dict[str, float]]:
    """All that was noted, but for how long it took; that only ever grows."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    seconds = [line.pop("seconds") for line in lines]
    assert seconds == sorted(seconds)
    return lines


def test_metrics_of_steps_that_were_lost_are_written_once(dataset, whole, tmp_path):
    run = read_run(shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True))
    for suffix in (".index", ".data-00000-of-00001"):  # as if killed before the last checkpoint
        run.states()[0].with_name("pause-6" + suffix).unlink()
    run.write_status("running", 3, 2)
    lines = figures(tmp_path)
    trained(dataset, tmp_path)
    assert figures(tmp_path) == lines


def test_a_run_is_trained_by_one_process_at_a_time(dataset, whole):
    with whole.locked(), pytest.raises(UserError, match="is being trained by another process"):
        train(Plan(whole, dataset, epochs=3, resumes=True), RHYTHM)


def test_two_new_runs_do_not_share_a_folder(dataset, whole):
    with pytest.raises(UserError, match="was begun by another process meanwhile"):
        train(Plan(whole, dataset, epochs=2, resumes=False), RHYTHM)


def test_better_weights_than_the_states_that_are_left_can_make_are_kept(tmp_path):
    dataset = make_dataset(tmp_path / "data", np.full((10, 32, 32, 3), 230, np.uint8))
    easy = {"linear_path": False, "pixel_weight": 10.0, "learning_rate": 1e-2, "norm_momentum": 0.0}
    run = trained(dataset, tmp_path / "run", **easy)
    best = {path.name: path.read_bytes() for path in (run.folder / "best").iterdir()}
    for file in run.checkpoints.glob("pause-*"):
        file.unlink()
    stored = json.loads((run.folder / "config.json").read_text())
    stored["config"]["learning_rate"] = 1e-12  # stands in for bad luck: now it learns nothing
    (run.folder / "config.json").write_text(json.dumps(stored))
    trained(dataset, tmp_path / "run")
    assert {path.name: path.read_bytes() for path in (run.folder / "best").iterdir()} == best
