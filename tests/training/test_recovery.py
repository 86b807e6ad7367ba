"""Collapses on purpose, and what the loop makes of them."""

import json
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from datasets import make_dataset

from autoencode.config import make_config
from autoencode.errors import UserError
from autoencode.networks.pixels import to_float
from autoencode.pictures import png
from autoencode.plan import Plan
from autoencode.run import Run, read_run
from autoencode.training import guard, loop, step
from autoencode.training.loop import Rhythm, train

CONFIG = make_config("tiny", precision="float32", epochs=6, learning_rate_end=1.0)  # of 3 steps each


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    pictures = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    return make_dataset(tmp_path_factory.mktemp("data"), pictures)


def at_once(patch: pytest.MonkeyPatch) -> None:
    """So short a training has no time for patience."""
    patch.setattr(guard, "ALWAYS", tuple(replace(rule, patience=0) for rule in guard.ALWAYS[:1]))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    at_once(monkeypatch)


def poison(patch: pytest.MonkeyPatch, steps: Iterable[int], attempts: int = 1) -> None:
    """Makes the frames of these steps numbers that are none, in the first so many attempts at them."""
    factor, left = tf.Variable(1.0), dict.fromkeys(steps, attempts)
    patch.setattr(step, "to_float", lambda frames: to_float(frames) * factor)
    due = loop._Loop._write_what_is_due

    def write_what_is_due(self: loop._Loop, progress: object) -> bool:
        held = due(self, progress)
        bad = left.get(self.step, 0) > 0
        left[self.step] = left.get(self.step, 0) - 1
        factor.assign(float("nan") if bad else 1.0)
        return held

    patch.setattr(loop._Loop, "_write_what_is_due", write_what_is_due)


@pytest.fixture(scope="module")
def bruised(dataset, tmp_path_factory):
    """A run with one bad batch, and none but bad ones in its last epoch, and what it said."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as said:
        patch.setattr(guard, "ALWAYS", tuple(replace(rule, patience=100) for rule in guard.ALWAYS))
        poison(patch, [7, *range(15, 18)])
        run = trained(dataset, tmp_path_factory.mktemp("bruised"), checkpoint=6)
    return run, said.getvalue()


@pytest.fixture(scope="module")
def collapsed(dataset, tmp_path_factory):
    """A run in which an epoch's frames were none, and what it said."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as said:
        at_once(patch)
        poison(patch, range(6, 9))
        run = trained(dataset, tmp_path_factory.mktemp("collapsed"))
    return run, said.getvalue()


def trained(dataset, folder: Path, checkpoint: int = 3, **fields) -> Run:
    """Trains, or goes on training, the run in a folder."""
    resumes = (folder / "config.json").exists()
    config = replace(CONFIG, **fields)
    run = read_run(folder) if resumes else Run(folder, config, "tiny", dataset.name, dataset.frames, "id")
    train(
        Plan(run, dataset, epochs=6, resumes=resumes), Rhythm(figures=3, pictures=1000, checkpoint=checkpoint)
    )
    return run


def weights(run: Run) -> dict[str, np.ndarray]:
    path = str(run.weights(last=True))
    names = [name for name, _ in tf.train.list_variables(path) if not name.startswith("_")]
    return {name: tf.train.load_variable(path, name) for name in names}


def without_seconds(run: Run) -> list[dict[str, float]]:
    found = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in found]


def lines(run, name):
    found = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    return [line for line in found if name in line]


def test_one_bad_batch_is_passed_over(bruised):
    run, _ = bruised
    assert not lines(run, "rollbacks")
    assert [line["skipped"] for line in lines(run, "skipped")] == pytest.approx(
        [0, 0, 1 / 3, 0, 0, 1], abs=1e-4
    )


def test_after_a_collapse_training_goes_back_and_on_to_the_end(collapsed):
    run, said = collapsed
    (line,) = lines(run, "rollbacks")
    assert (line["step"], line["collapsed_at"], line["rollbacks"]) == (6, 9, 1)
    assert "100% of the steps" in line["because"]
    assert "back to step 6, with another seed and half the learning rates (1 of 5)" in said
    assert run.states()[0].name == "step-18"
    assert '"finished"' in (run.folder / "status.json").read_text()
    rates = {entry["step"]: entry["learning_rate"] for entry in lines(run, "learning_rate")}
    assert rates[12] == pytest.approx(rates[3] / 2)
    events = [*map(str, (run.folder / "tensorboard").iterdir())]
    tags = {
        value.tag
        for path in events
        for event in tf.compat.v1.train.summary_iterator(path)
        for value in event.summary.value
    }
    assert {"rollbacks", "rollback", "sample_psnr"} <= tags
    seed = weights(run)["counters/1/.ATTRIBUTES/VARIABLE_VALUE"]  # the second of Trainer.counters
    assert seed == guard.seed_after(run.config.seed, 1) != run.config.seed


def test_a_training_that_cannot_be_saved_leaves_its_best_and_says_so(dataset, tmp_path, monkeypatch):
    poison(monkeypatch, range(6, 100), attempts=100)
    with pytest.raises(UserError, match=r"learning collapsed 6 times.*100% of.*step-\d+, can be rendered"):
        trained(dataset, tmp_path)
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["state"] == "failed"
    assert "learning collapsed 6 times" in status["because"]
    best = read_run(tmp_path).weights()
    assert best.parent.name == "best"
    for name, _ in tf.train.list_variables(str(best)):
        if name.startswith("encoder"):
            assert np.isfinite(tf.train.load_variable(str(best), name)).all()
    # Every collapse is on record, however far the next went back.
    found = lines(read_run(tmp_path), "rollbacks")
    assert [line["rollbacks"] for line in found] == [1, 2, 3, 4, 5, 6]
    back = [line["step"] for line in found]
    assert back[0] > back[1]  # further than the collapse before
    assert back[-1] == found[-1]["collapsed_at"]  # given up


def test_good_states_of_a_short_film_lie_as_far_apart_as_a_long_ones(bruised):
    run, _ = bruised
    assert [state.name for state in run.good_states()] == ["step-12", "step-6", "step-0"]  # 18 is none


def test_a_sign_of_collapse_at_the_very_end_is_said(bruised):
    run, said = bruised
    assert f"sign of collapse: render takes the best weights, {run.best.name}" in said


@pytest.mark.slow
@pytest.mark.parametrize("stop", [4, 8, 9, 11])
def test_interrupted_before_in_or_after_a_collapse_the_weights_are_those_of_the_unbroken_run(
    stop, dataset, collapsed, tmp_path, monkeypatch
):
    unbroken, _ = collapsed
    poison(monkeypatch, range(6, 9))
    due, stopped = loop._Loop._write_what_is_due, []

    def write_what_is_due(self, progress):
        before, held = self.step, due(self, progress)
        self.stop[0] = before == stop and not stopped
        stopped.extend([stop] * self.stop[0])
        return held

    monkeypatch.setattr(loop._Loop, "_write_what_is_due", write_what_is_due)
    with pytest.raises(KeyboardInterrupt):
        trained(dataset, tmp_path)
    resumed = trained(dataset, tmp_path)
    assert len(lines(resumed, "rollbacks")) == 1
    assert without_seconds(resumed) == without_seconds(unbroken)
    expected = weights(unbroken)
    for name, values in weights(resumed).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


@pytest.mark.slow
def test_killed_right_after_a_collapse_it_does_not_forget_it(dataset, collapsed, tmp_path, monkeypatch):
    unbroken, _ = collapsed
    poison(monkeypatch, range(6, 9))
    due = loop._Loop._write_what_is_due

    def write_what_is_due(self, progress):
        if not due(self, progress):
            raise SystemExit  # which nothing in the loop catches
        return True

    monkeypatch.setattr(loop._Loop, "_write_what_is_due", write_what_is_due)
    with pytest.raises(SystemExit):
        trained(dataset, tmp_path)
    resumed = trained(dataset, tmp_path)
    assert without_seconds(resumed) == without_seconds(unbroken)
    expected = weights(unbroken)
    for name, values in weights(resumed).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_a_timelapse_that_cannot_be_written_fails_no_training(dataset, tmp_path, capsys):
    samples = tmp_path / "samples"
    samples.mkdir()
    samples.joinpath("reconstruction_0000001.png").write_bytes(png(np.zeros((16, 16, 3), np.uint8)))
    trained(dataset, tmp_path)
    assert '"finished"' in (tmp_path / "status.json").read_text()
    said = capsys.readouterr().out
    assert "no time-lapse: " in said
    assert f"trained: {tmp_path}; to look at: {samples}" in said


def test_a_begun_run_needs_only_the_room_that_it_does_not_hold_yet(dataset, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "check_room", lambda folder, needed, *_: asked.append(needed))
    trained(dataset, tmp_path)
    trained(dataset, tmp_path)
    files = [path for name in ("checkpoints", "best", "epochs") for path in (tmp_path / name).iterdir()]
    assert asked[0] - asked[1] == sum(path.stat().st_size for path in files) > 0


@pytest.mark.slow
def test_weights_that_explode_are_thrown_away(dataset, tmp_path):
    with pytest.raises(UserError, match="learning collapsed"):
        trained(dataset, tmp_path, learning_rate=1e30)
