"""The bench that fills the table of recipes.md."""

import csv
import os
import subprocess
import sys

import pytest
from commands import ROOT


def learning(*words, cwd):
    bench = [sys.executable, ROOT / "experiments/benchmarks/learning.py", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(bench, cwd=cwd, env=env, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_a_row_for_each_seed_and_epoch_and_nothing_twice(trained):
    asked = ("pixels", "--dataset=film-48x32", "--frames=96", "--at=1", "--seeds=0,1", "--jobs=2")
    changed = ("--set", "noise_start=0.5", "kl_weight=0.1")
    learning(*asked, *changed, cwd=trained)

    table = trained / "experiments/results/learning.csv"
    rows = list(csv.DictReader(table.open(newline="")))
    assert sorted((row["seed"], row["frames_seen"], row["of_frames"]) for row in rows) == [
        ("0", "48", "96"),
        ("0", "96", "96"),
        ("1", "48", "96"),
        ("1", "96", "96"),
    ]
    for row in rows:
        assert (row["recipe"], row["changes"]) == ("pixels", "kl_weight=0.1 noise_start=0.5")
        assert 5 < float(row["psnr"]) < 60
        assert (row["pixel_share"], row["gan_share"], row["rollbacks"]) == ("1.0", "0.0", "0")
    assert len({row["psnr"] for row in rows}) == 4  # of four states, not of one

    before = table.read_text()
    again = learning(*asked, *changed[:1], *reversed(changed[1:]), cwd=trained)
    assert table.read_text() == before
    assert "autoencode.train" not in again
