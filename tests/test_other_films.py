"""A film that was not learned, through the real commands."""

import json

import pytest
from commands import command, done, refused
from films import make_film

from autoencode.config import make_config
from autoencode.files import sha256
from autoencode.networks.build import build_autoencoder
from autoencode.run import Run, read_run
from autoencode.training.checkpoints import Checkpoints, SecondCheckpoints
from autoencode.training.guard import Guard
from autoencode.training.second_encoder import SecondEncoder
from autoencode.training.step import Trainer


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    """A run of film.mkv with a second encoder, whose networks have learned nothing, and another film."""
    folder = tmp_path_factory.mktemp("other")
    make_film(folder / "other.mkv", frames=12, size=(160, 90))
    config = make_config("tiny", recipe="refined", precision="float32", size=(48, 32))
    dataset = read_run(trained / "experiments/runs/run").dataset
    films = (sha256(trained / "film.mkv"),)
    run = Run(folder / "run", config, "tiny", dataset, 48, id="id", films=films)
    run.folder.mkdir()
    run.write()
    Checkpoints(run, Trainer(config, 10), Guard(config, schedule_steps=10)).save_best()
    SecondCheckpoints(run, SecondEncoder(config, build_autoencoder(config), 10)).finish()
    return folder


def rendered(trained, run, film, *flags):
    """What `render` said, and what it noted of the film that it made."""
    said = done("render", f"--film={film}", f"--run={run}/run", *flags, cwd=trained)
    (summary,) = [line for line in said.splitlines() if line.endswith(".json")]
    return said, json.loads((trained / summary).read_text())


def test_a_film_that_was_not_learned_is_shown_by_the_second_encoder(trained, run):
    said, noted = rendered(trained, run, run / "other.mkv")
    assert "other.mkv: not the film that run" in said
    assert "its second encoder shows it" in said
    assert (noted["encoder"], noted["weights"].split("/")[0]) == ("other", "second")


def test_the_film_that_was_learned_is_shown_by_its_own_encoder(trained, run):
    said, noted = rendered(trained, run, "film.mkv")
    assert "not the film" not in said
    assert (noted["encoder"], noted["weights"].split("/")[0]) == ("own", "best")


def test_the_encoder_may_be_chosen(trained, run):
    said, noted = rendered(trained, run, run / "other.mkv", "--encoder=own")
    assert "the encoder that remembers that film shows it" in said
    assert noted["encoder"] == "own"
    figures = json.loads(
        done("evaluate", f"--run={run}/run", "--encoder=other", "--novmaf", "--json", cwd=trained)
    )
    assert figures["encoder"] == "other"


def test_an_earlier_state_has_no_second_encoder(trained, run):
    result = command(
        "render", "--film=film.mkv", f"--run={run}/run", "--encoder=other", "--epoch=1", cwd=trained
    )
    refused(result, "leave out --epoch and --last")


def test_a_run_without_one_says_so(trained, run):
    said = done("render", f"--film={run}/other.mkv", "--run=run", f"--output={run}/made.mp4", cwd=trained)
    assert "other.mkv: not the film that run run learned; it has no second encoder" in said
    result = command("render", "--film=film.mkv", "--run=run", "--encoder=other", cwd=trained)
    refused(result, "--encoder=other: it has no second encoder")
