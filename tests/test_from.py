"""A training that begins with the networks of another."""

import json
from dataclasses import replace

import numpy as np
import pytest
from commands import done
from datasets import make_dataset

from autoencode.networks.build import build_networks
from autoencode.run import Origin, read_run
from autoencode.training.checkpoints import restore_origin


@pytest.fixture(scope="module")
def source(trained, tmp_path_factory):
    """A run with a linear path."""
    folder = tmp_path_factory.mktemp("source") / "run"
    done("train", "--preset=tiny", "--recipe=refined", "--epochs=1", f"--run={folder}", cwd=trained)
    return read_run(folder)


def networks_of(run):
    """The three, with the weights that a run begins with, or those of its first state."""
    networks = build_networks(replace(run.config, seed=9))
    folder, states = run.folder, sorted(run.states(), key=lambda path: int(path.name.rpartition("-")[2]))
    origin = Origin(
        str(folder), run.id, str(states[0].relative_to(folder)), str(states[0].relative_to(folder)), True
    )
    restore_origin(origin, networks)
    return networks


@pytest.mark.slow
@pytest.mark.parametrize("keep", [False, True])
def test_it_begins_with_the_networks_and_the_linear_path_of_its_own_film(trained, source, tmp_path, keep):
    make_dataset(tmp_path, np.random.default_rng(0).integers(0, 255, (30, 32, 48, 3), np.uint8), (48, 32))
    flags = [f"--from={source.folder}", f"--data_dir={tmp_path}", f"--run={tmp_path}/run", "--epochs=1"]
    said = done("train", *flags, *(["--keep_linear_path"] if keep else []), cwd=trained)
    assert f"begins with the networks of {source.folder}" in said
    run = read_run(tmp_path / "run")
    told = json.loads((run.folder / "config.json").read_text())["from"]
    assert (told["folder"], told["id"]) == (str(source.folder), source.id)
    begun, expected = networks_of(run), build_networks(run.config)
    restore_origin(run.origin, expected)
    for ours, theirs in zip(begun, expected, strict=True):
        for mine, its in zip(ours.variables, theirs.variables, strict=True):
            same = np.array_equal(mine.numpy(), its.numpy())
            assert same == (keep or "linear_path" not in mine.path), mine.path
