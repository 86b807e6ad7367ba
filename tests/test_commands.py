"""What goes wrong is one line on stderr and a status that is not 0, before TensorFlow is loaded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, typed
from datasets import fake_dataset
from films import make_film

from autoencode.config import make_config
from autoencode.run import Run

FILM = "film.mp4"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a film, bad films, a dataset's metadata and a run that was begun; and no TensorFlow."""
    folder = tmp_path_factory.mktemp("place")
    make_film(folder / FILM, frames=48, size=(64, 48))
    (folder / "empty.mp4").touch()
    (folder / "text.mkv").write_text("Not a film.\n" * 100)
    (folder / "folder.mp4").mkdir()
    make_film(folder / "whole.mkv", frames=100, size=(64, 48))
    whole = (folder / "whole.mkv").read_bytes()
    (folder / "broken.mkv").write_bytes(whole[: len(whole) // 2])
    make_film(folder / "sound.mkv", frames=24)
    _only_sound(folder / "sound.mkv", folder / "sound.wav")

    name = "film-32x32-00000000"
    fake_dataset(folder / "data", name, (32, 32), 9)
    run = Run(folder / "experiments/runs/begun", make_config("tiny"), "tiny", name, 9, "id")
    run.folder.mkdir(parents=True)
    run.write()

    for module in ("tensorflow", "tensorflow_datasets", "keras"):
        (folder / "none").mkdir(exist_ok=True)
        (folder / "none" / f"{module}.py").write_text("raise RuntimeError('was loaded')\n")
    return folder


def _only_sound(film: Path, target: Path) -> None:
    from autoencode.film import ffmpeg

    subprocess.run([ffmpeg.binary(), "-v", "error", "-i", film, "-vn", target], check=True)


def refused(place, name, *flags, cwd=None):
    """Runs a command without TensorFlow; returns its one line."""
    result = typed(name, *flags, cwd=cwd or place, PYTHONPATH=f"{place / 'none'}:{ROOT}")
    assert result.returncode != 0
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("autoencode: ")
    assert "Traceback" not in result.stderr + result.stdout
    return lines[0]


BAD_FILMS = ["missing.mp4", "empty.mp4", "text.mkv", "sound.wav", "folder.mp4", "broken.mkv"]


@pytest.mark.parametrize("film", BAD_FILMS)
def test_frames_names_a_bad_film(place, film):
    assert film in refused(place, "frames", f"--film={film}")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--film=film.mp4", "--size=100x64"], "multiples of 16"),
        (["--film=film.mp4", "--size=big"], "--size=big"),
        (["--film=film.mp4", "--size=16x16000"], "up to 8,192 pixels"),
        (["--film=film.mp4", "--colour=no"], "'colour'"),
        (["--film=film.mp4", "--start=1:99"], "'1:99' is not a time"),
        (["--film=film.mp4", "--start=0:00:07"], "ends at 0:02.0"),
        (["--film=film.mp4", "--every=0"], "--every"),
        (["--film=film.mp4", "--every=x"], "must be a whole number"),
        (["--film=film.mp4", "--allow_damaged=x"], "must be true or false"),
        (["--film="], "--film=: is empty"),
        (["--film=~nobody.mp4"], "~nobody.mp4: no such file"),
        (["--film=http://h/x.mp4"], "--film=http://h/x.mp4: an address"),
        (["--film=film.mp4", "--crop=9:9"], "--crop=9:9"),
        ([], "--film is missing"),
        (["other.mp4"], "--film is missing (write --film=other.mp4)"),
        (["--film=film.mp4", "other.mp4"], "'other.mp4' is not a flag"),
    ],
)
def test_frames_names_a_bad_flag(place, flags, said):
    assert said in refused(place, "frames", *flags)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--preset=nosuch"], "--preset=nosuch: choose one of"),
        (["--epochs=many"], "--epochs"),
        (["--dataset=nosuch"], "--dataset=nosuch"),
        (["--data_dir=elsewhere"], "/elsewhere/: make one with `python -m autoencode.frames"),
        (["--from=nosuch"], "/experiments/runs/nosuch: no run there"),
        (["--run=begun", "--width=9"], "--width=9: run begun was begun with 4"),
        (["--precision=half"], "--precision"),
        (["--learning_rate=0"], "--learning_rate=0"),
        (["--seed=4294967296"], "--seed=4294967296: must be below 4294967296"),
        (["--run=begun", "--epochs=0"], "--epochs=0"),
        (["--run=film.mp4/x", "--preset=tiny"], "film.mp4"),
    ],
)
def test_train_names_a_bad_flag(place, flags, said):
    assert said in refused(place, "train", *flags)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--film=film.mp4", "--run=begun"], "has no checkpoint yet"),
        (["--film=film.mp4"], "no trained run under /"),
        (["--film=film.mp4", "--run=nosuch"], "no run there; train one with"),
        (["--film=film.mp4", "--run=begun", "--layout=stack"], "--layout"),
        (["--film=film.mp4", "--run=begun", "--epoch=2"], "--epoch=2"),
        (["--film=film.mp4", "--run=begun", "--epoch=2", "--last"], "--epoch and --last: choose one"),
        (["--film=film.mp4", "--run=begun", "--noise=nan"], "--noise=nan"),
    ],
)
def test_render_names_what_is_missing(place, flags, said):
    assert said in refused(place, "render", *flags)


@pytest.mark.parametrize("name", ["render", "evaluate"])
def test_one_film_at_a_time(place, name):
    assert "takes one film at a time" in refused(place, name, "--film=film.mp4", "--film=other.mp4")


def test_evaluate_has_no_excerpt_of_a_dataset(place):
    assert "--start=1.0: is of a film, named by --film" in refused(place, "evaluate", "--start=1")


def trained(place, folder):
    """Makes a run there that has weights, as far as can be told without TensorFlow."""
    shutil.copytree(place / "experiments", folder / "experiments")
    states = folder / "experiments/runs/begun/checkpoints"
    states.mkdir()
    (states / "step-1.index").touch()


@pytest.mark.parametrize("film", BAD_FILMS)
def test_render_and_evaluate_name_a_bad_film(place, tmp_path, film):
    trained(place, tmp_path)
    path = place / film
    assert film in refused(place, "render", f"--film={path}", cwd=tmp_path)
    assert film in refused(place, "evaluate", f"--film={path}", cwd=tmp_path)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--height=99"], "--height=99"),
        (["--size=99x100"], "--size=99x100: write width x height, both even"),
        (["--size=100x100", "--height=64"], "choose one of them"),
        (["--codec=prores", "--output=a.mp4"], "must end in .mov or .mkv"),
        (["--output=a.avi"], "must end in .mp4 or .mov or .mkv"),
        (["--height=20000"], "more than players can show"),
        (["--output=experiments/"], "something in it"),
        (["--output="], "--output=: is empty"),
        (["--output=pictures/", "--crf=9"], "PNGs have no --codec and no --crf"),
        (["--codec=ffv1", "--crf=9"], "has no --crf"),
        ([f"--output={'n' * 240}.mp4"], "too long a name, by 3 bytes"),
        (["--contact_sheet=folder.png"], "--contact_sheet=folder.png: must end in .png"),
    ],
)
def test_render_names_a_bad_output(place, tmp_path, flags, said):
    trained(place, tmp_path)
    (tmp_path / "folder.png").mkdir()
    assert said in refused(place, "render", f"--film={place / FILM}", *flags, cwd=tmp_path)


def test_a_refused_command_changes_nothing(place):
    def contents():
        return sorted(path for path in place.rglob("*") if "none" not in path.parts)

    before = contents()
    refused(place, "frames", "--film=broken.mkv")
    refused(place, "train", "--run=begun", "--width=9")
    refused(place, "train", "--run=new", "--preset=nosuch")
    assert contents() == before


@pytest.mark.parametrize("name", ["frames", "render", "evaluate"])
def test_help_tells_of_excerpts(name, place):
    said = typed(name, "--help", cwd=place).stdout
    assert all(flag in said for flag in ("--start", "--duration", "--every", "--crop", "allow_damaged"))


@pytest.mark.parametrize("name", ["frames", "train", "render", "evaluate"])
def test_in_a_python_without_it_one_line_says_so(name):
    words = [sys.executable, "-S", "-m", f"autoencode.{name}"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1
    assert "first `. .venv/bin/activate`" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_train_says_at_once_which_of_several_datasets_it_takes(place, tmp_path):
    for name in ("one-32x32-00000000", "two-32x32-00000000"):
        fake_dataset(tmp_path / "data", name, (32, 32), 9)
    nothing_loads = {"PYTHONPATH": f"{place / 'none'}:{ROOT}"}
    said = typed("train", "--preset=tiny", cwd=tmp_path, **nothing_loads).stdout
    assert said.strip() == "of 2 datasets the one that `frames` was last told: two-32x32-00000000"
    assert not typed("train", "--preset=tiny", "--dataset=one", cwd=tmp_path, **nothing_loads).stdout


@pytest.mark.parametrize(
    ("says", "named"),
    [
        (
            "ffmpeg version 4.4.2-0ubuntu1\nlibavutil      56. 70.100",
            "is ffmpeg 4.4.2-0ubuntu1, which is too old",
        ),
        (
            "ffmpeg version N-109542-g1bf1c6d\nlibavutil      57. 44.100",
            "is ffmpeg N-109542-g1bf1c6d, which is too old",
        ),
        ("python 3", "is no ffmpeg"),
    ],
)
def test_an_ffmpeg_that_does_not_do_is_named_and_not_the_film(place, tmp_path, says, named):
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\ncat <<END\n{says}\nEND\n")
    program.chmod(0o755)
    result = typed("frames", f"--film={FILM}", cwd=place, IMAGEIO_FFMPEG_EXE=str(program))
    assert result.returncode == 1
    assert f"IMAGEIO_FFMPEG_EXE={program}: {named}" in result.stderr
    assert FILM not in result.stderr


def test_nobodys_keras_settings_change_the_networks(tmp_path):
    (tmp_path / ".keras").mkdir()
    settings = {
        "backend": "torch",
        "image_data_format": "channels_first",
        "floatx": "float16",
        "epsilon": 1e-3,
    }
    (tmp_path / ".keras/keras.json").write_text(json.dumps(settings))
    program = "import autoencode, keras; from keras import config as c;"
    program += "print(c.backend(), c.image_data_format(), c.floatx())"
    environment = {**os.environ, "HOME": str(tmp_path), "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", program]
    result = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["tensorflow", "channels_last", "float32"]
