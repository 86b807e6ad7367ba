"""A power cut at any moment: begun again, `frames` and `render` end as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from datasets import ROOT, command
from films import ffmpeg_run, make_film

from autoencode.film.probe import probe
from autoencode.film.scan import scan

KILLS, FRAMES = 20, 5000


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a film and a trained run."""
    folder = tmp_path_factory.mktemp("place")
    make_film(folder / "short.mkv", frames=24, size=(64, 48))
    make_film(folder / "film.mkv", frames=FRAMES, size=(64, 48))
    done("frames", "--film=short.mkv", "--size=32x32", cwd=folder)
    done("train", "--preset=tiny", "--epochs=1", cwd=folder)
    return folder


def done(name, *flags, cwd):
    begun = time.monotonic()
    result = command(name, *flags, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return time.monotonic() - begun


def killed_after(seconds, name, *flags, cwd):
    """Whether it was killed; False: it had ended by itself, and well."""
    words = [sys.executable, "-m", f"autoencode.{name}", *flags]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True
    return False


@pytest.mark.slow
def test_render_killed_at_random_moments(place):
    flags = ["--film=film.mkv", "--height=64", "--output=made.mp4"]
    takes = done("render", "--film=film.mkv", "--height=64", "--output=unbroken.mp4", cwd=place)
    made, kills, films, draws = place / "made.mp4", 0, 0, np.random.default_rng(0)
    while kills < KILLS or not made.exists():
        if made.exists():
            made.unlink()
        if killed_after(draws.uniform(0, takes), "render", *flags, cwd=place) and kills < KILLS:
            kills += 1
        if made.exists():
            films += 1
            assert scan(probe(made)).count == FRAMES
            assert pictures(made) == pictures(place / "unbroken.mp4")
            assert not (place / ".made.mp4.parts").exists()
    assert films


def pictures(path):
    return ffmpeg_run("-i", path, "-c", "copy", "-f", "framemd5", "-")


@pytest.mark.slow
def test_frames_killed_at_random_moments(place):
    flags = ["--film=film.mkv", "--size=48x32"]
    takes = done("frames", *flags, "--data_dir=unbroken", cwd=place)
    draws = np.random.default_rng(0)
    for _ in range(KILLS):
        killed_after(draws.uniform(0, takes), "frames", *flags, cwd=place)
        for folder in place.glob("data/film_frames/film-*/1.*"):
            assert length(folder) == FRAMES  # a folder under its final name is whole
    done("frames", *flags, cwd=place)
    (folder,) = place.glob("data/film_frames/film-*")
    (unbroken,) = place.glob("unbroken/film_frames/film-*")
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
