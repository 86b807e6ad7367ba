"""A power cut at any moment: begun again, `frames` and `render` end as if nothing had happened."""

import json
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf
from commands import done, started, typed
from films import ffmpeg_run, make_film

from autoencode.film.probe import probe
from autoencode.film.scan import scan

KILLS, FRAMES = 20, 5000


@pytest.fixture(scope="module")
def place(trained):
    """A folder with a film and a trained run."""
    make_film(trained / "killed.mkv", frames=FRAMES, size=(64, 48))
    return trained


def seconds_of(name, *flags, cwd):
    begun = time.monotonic()
    done(name, *flags, cwd=cwd, run=typed)  # as it is killed: loading TensorFlow is a part of it
    return time.monotonic() - begun


def killed_after(seconds, name, *flags, cwd):
    """Whether it was killed; False: it had ended by itself, and well."""
    with started(name, *flags, cwd=cwd) as process:
        try:
            assert process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True
    return False


@pytest.mark.slow
def test_render_killed_at_random_moments(place):
    flags = ["--film=killed.mkv", "--height=64", "--output=made.mp4"]
    takes = seconds_of("render", "--film=killed.mkv", "--height=64", "--output=unbroken.mp4", cwd=place)
    made, kills, films, draws = place / "made.mp4", 0, 0, np.random.default_rng(0)
    while kills < KILLS or not made.exists():
        if made.exists():
            made.unlink()
        seconds = draws.uniform(0, takes) if kills < KILLS else 600
        killed = killed_after(seconds, "render", *flags, cwd=place)
        kills += killed
        if made.exists():
            films += 1
            assert scan(probe(made)).count == FRAMES
            assert pictures(made) == pictures(place / "unbroken.mp4")
            assert killed or not (place / ".made.mp4.parts").exists()
    assert films


def pictures(path):
    return ffmpeg_run("-i", path, "-c", "copy", "-f", "framemd5", "-")


@pytest.mark.slow
def test_frames_killed_at_random_moments(place):
    flags = ["--film=killed.mkv", "--size=48x32"]
    takes = seconds_of("frames", *flags, "--data_dir=unbroken", cwd=place)
    kills, draws = 0, np.random.default_rng(0)
    while kills < KILLS:
        kills += killed_after(draws.uniform(0, takes), "frames", *flags, cwd=place)
        for folder in place.glob("data/film_frames/killed-*/1.*"):
            assert length(folder) == FRAMES  # a folder under its final name is whole
            shutil.rmtree(folder)
    done("frames", *flags, cwd=place)
    (folder,) = place.glob("data/film_frames/killed-*")
    (unbroken,) = place.glob("unbroken/film_frames/killed-*")
    assert contents(folder) == contents(unbroken)


def length(folder):
    (split,) = json.loads((folder / "dataset_info.json").read_text())["splits"]
    return sum(map(int, split["shardLengths"]))


def contents(folder):
    """Each shard's records; their bytes vary: the order of a record's features is left to chance."""
    return {
        path.name: [
            tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))
        ]
        for path in folder.rglob("*.tfrecord*")
    }
