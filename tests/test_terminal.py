"""A terminal that goes, one that belongs to somebody else, and output that nobody reads."""

import json
import signal

import pytest
from commands import in_background, in_terminal, stopped, unread

from autoencode.film.probe import probe

TRAIN = ["--preset=tiny", "--epochs=3", "--pictures_every=1000"]


@pytest.fixture
def training(trained, tmp_path):
    """Flags of a training that takes seconds, whether it has begun, and how it stands."""
    run = tmp_path / "run"

    def begun():
        return (run / "checkpoints/step-0.index").exists()

    def status():
        return json.loads((run / "status.json").read_text())["state"]

    return [*TRAIN, f"--run={run}"], begun, status


def test_a_training_under_nohup_goes_on_when_its_terminal_is_closed(trained, training):
    flags, begun, status = training
    assert in_terminal("train", *flags, cwd=trained, once=begun, ignored=True) == 0
    assert status() == "finished"


def test_a_training_whose_terminal_is_closed_saves_and_ends(trained, training):
    flags, begun, status = training
    assert in_terminal("train", *flags, cwd=trained, once=begun, ignored=False) == 130
    assert status() == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_render_is_not_stopped_by_a_signal_that_was_ignored(trained, tmp_path, number):
    made = tmp_path / "made.mp4"
    flags = ["--film=film.mkv", f"--output={made}"]
    parts = tmp_path / ".made.mp4.parts"
    result = stopped("render", *flags, cwd=trained, once=parts.exists, number=number, ignored=True)
    assert result.returncode == 0, result.stderr
    assert probe(made).duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("frames", ["--film=film.mkv", "--size=32x32"]),
        ("train", ["--preset=tiny", "--recipe=refined", "--epochs=1", "--run={}/run"]),
        ("render", ["--film=film.mkv", "--output={}/made.mp4"]),
        ("evaluate", ["--film=film.mkv"]),
    ],
)
def test_in_the_background_no_command_waits_for_the_terminal(trained, tmp_path, name, flags):
    result = in_background(name, *(flag.format(tmp_path) for flag in flags), cwd=trained)
    assert result.returncode == 0, result.stderr


def test_output_that_nobody_reads_stops_nothing(trained, tmp_path):
    flags = ["--preset=tiny", "--epochs=1", f"--run={tmp_path}/run"]
    assert unread("train", *flags, cwd=trained) == 0
    assert json.loads((tmp_path / "run/status.json").read_text())["state"] == "finished"
    made = tmp_path / "made.mp4"
    assert unread("render", "--film=film.mkv", f"--output={made}", cwd=trained) == 0
    assert made.exists()
