"""How far each recipe gets: trains it with several seeds, measures it, and adds a row per seed to a table.

    python experiments/benchmarks/learning.py refined pixels --frames=85890 --seeds=0,1,2 --at=1,3
    python experiments/benchmarks/learning.py refined --frames=14315 --set kl_weight=0.1
    python experiments/benchmarks/learning.py --draw

Trains by the real command, at the widths of the preset `demo`, into experiments/runs/learning/, and measures
by the real command, on every frame of the dataset, after the epochs of `--at` and at the end; `vmaf_film` is
against the whole film, where the dataset was made of one and that is at hand. At the end also what becomes of
the own film without colours, and of the demo's other film, where that is at hand (`benchmarks/transfer.py`).
Runs and rows that are there already are not made again. `--jobs=2` trains two at a time, on one core each.

The rows go to experiments/results/learning.csv; `--draw` makes experiments/figures/learning.png of those
without changes: quality against frames seen and against seconds, the mean over the seeds and their spread.
Seeds may differ in the precision that their machine was fit for, and in what computed them: each row says
which, under `precision` and `cores` (a number, or GPU).
"""

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean

from autoencode.config import make_config
from autoencode.dataset.catalogue import Dataset, find
from autoencode.quiet import quiet
from autoencode.run import read_run

with quiet():
    import tensorflow as tf

TABLE = Path("experiments/results/learning.csv")
FIGURE = Path("experiments/figures/learning.png")
RUNS = Path("experiments/runs/learning")

FIGURES = ("psnr", "ssim", "motion", "quiet_motion", "vmaf", "vmaf_film")
TRANSFER = (
    *("colour_from_grey", "psnr_from_grey"),
    *("structure", "palette", "texture", "grain", "grain_of_chroma", "flicker"),
)
COLUMNS = (
    *("recipe", "changes", "dataset", "seed", "frames_seen", "of_frames", "seconds", "cores", "precision"),
    *FIGURES,
    *("pixel_share", "likeness_share", "gan_share", "discriminator_steps", "rollbacks"),
    *TRANSFER,
)
KEY = COLUMNS[:6]

OTHER = Path("data/films/city.mpg")
"""The demo's other film."""

ALONE = {"recipe": "refined", "linear_path": False, "second_epochs": 0}

TRIALS: dict[str, dict[str, object]] = {
    # At 4e-4, for so few steps; the recipe keeps the 2e-4 of 2016. Higher was not tried, and for `as_run`
    # nothing but that.
    "published": {"recipe": "published", "learning_rate": 4e-4},
    "as_run": {"recipe": "as_run"},
    "refined": {"recipe": "refined"},
    # The baseline: the encoder and decoder of `refined`, linear path and all, and for a loss the mean squared
    # error of the pixels alone.
    "pixels": {
        "recipe": "refined",
        "pixel_loss": "squared",
        "balance_gradients": False,
        "kl_weight": 0.001,
        "gamma": 0.0,
        "encoder_likeness": 0.0,
        "gan_weight": 0.0,
        "learning_rate": 5e-4,
        "second_epochs": 0,
    },
    # What each term is worth.
    "no_gan": {"recipe": "refined", "decoder_gan": 0.0, "second_epochs": 0},
    "no_likeness": {"recipe": "refined", "gamma": 0.0, "encoder_likeness": 0.0, "second_epochs": 0},
    # The paper's claim: that lowering the noise lets near-identical frames come apart. Put to networks that
    # have to learn it, without the linear path.
    "noise_held_at_1": {**ALONE, "noise_start": 1.0, "noise_end": 1.0},
    "noise_lowered_from_1": {**ALONE, "noise_start": 1.0, "noise_end": 0.0},
    "noise_held_at_0": {**ALONE, "noise_start": 0.0, "noise_end": 0.0},
}
"""What is compared, as fields of the Config."""


def main() -> None:
    """Trains and measures what was asked for, then prints the table's means."""
    asked = _arguments()
    if asked.draw:
        draw()
        return
    dataset = find(Path("data"), asked.dataset)
    epochs = max(1, round(asked.frames / dataset.frames))
    changes = dict(sorted(change.split("=", 1) for change in asked.set))  # however typed, the same trial
    lock, failed = threading.Lock(), []

    def trial(recipe: str, seed: int) -> None:
        after = sorted({epoch for epoch in asked.at if epoch < epochs} | {epochs})
        keys = {epoch: _key(recipe, changes, dataset, seed, epoch, epochs) for epoch in after}
        with lock:
            rows = _rows()
        for row in rows:
            keys = {epoch: key for epoch, key in keys.items() if any(row[name] != key[name] for name in KEY)}
        try:
            run = _train(recipe, changes, dataset, seed, epochs, asked.jobs) if keys else None
            for epoch, key in keys.items():
                row = {**key, **_measure(run, dataset, epoch, asked.jobs)}
                with lock:
                    _append(row)
        except subprocess.CalledProcessError as error:
            failed.append(f"{recipe}, seed {seed}: {error.stderr.strip()[-200:]}")

    with ThreadPoolExecutor(asked.jobs) as pool:
        done = [pool.submit(trial, recipe, seed) for seed in asked.seeds for recipe in asked.recipes]
    for future in done:
        future.result()
    for name, means in _means(_rows()).items():
        print(name, *(f"{column} {value:.4g}" for column, value in means.items()), sep="  ")
    sys.exit("\n".join(failed) or 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", choices=[*TRIALS, []], metavar="RECIPE", help=", ".join(TRIALS))
    parser.add_argument("--dataset", default="big_buck_bunny-96x64")
    parser.add_argument("--frames", type=int, default=6 * 14315, help="frames seen, to the nearest epoch")
    parser.add_argument("--seeds", type=_numbers, default=[0])
    parser.add_argument("--at", type=_numbers, default=[], help="epochs to measure after, before the last")
    parser.add_argument("--set", nargs="+", default=[], metavar="FIELD=VALUE", help="changes of the Config")
    parser.add_argument(
        "--jobs", type=int, default=1, help="trainings at a time, on equal shares of the cores"
    )
    parser.add_argument("--draw", action="store_true")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _train(recipe: str, changes: dict, dataset: Dataset, seed: int, epochs: int, jobs: int) -> Path:
    """Trains, or goes on training, one run; returns its folder."""
    name = "-".join([recipe, *(f"{field}={value}" for field, value in changes.items())])
    run = RUNS / f"{name}-{epochs}-seed{seed}"
    fields = {**TRIALS[recipe], **changes, "seed": seed, "epochs": epochs}
    flags = [f"--{field}={value}" for field, value in fields.items()]
    flags += [f"--run={run}", "--preset=demo", f"--dataset={dataset.name}"]
    _python(["-m", "autoencode.train", *flags], jobs)
    return run


def _measure(run: Path, dataset: Dataset, epoch: int, jobs: int) -> dict[str, object]:
    """The figures of a run after an epoch."""
    evaluate = ["-m", "autoencode.evaluate", f"--run={run}", f"--epoch={epoch}", "--json"]
    figures = json.loads(_python([*evaluate, f"--dataset={dataset.name}"], jobs))
    films = [source.path for source in dataset.sources]
    if len(films) == 1 and Path(films[0]).exists():
        on_film = json.loads(_python([*evaluate, f"--film={films[0]}"], jobs))
        figures["vmaf_film"] = on_film["vmaf"]
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    until = [line for line in lines if line["epoch"] <= epoch]
    learned = [line for line in until if "seconds" in line]
    shares = ("pixel_share", "likeness_share", "gan_share", "discriminator_steps")
    return {
        "seconds": round(learned[-1]["seconds"]),
        "cores": "GPU" if tf.config.list_physical_devices("GPU") else max(1, os.cpu_count() // jobs),
        "precision": read_run(run).config.precision,
        **{name: figures.get(name, "") for name in FIGURES},
        **{name: round(fmean(line[name] for line in learned), 4) for name in shares},
        "rollbacks": max([0, *(line["rollbacks"] for line in until if "rollbacks" in line)]),
        **(_transfer(run, jobs) if epoch == read_run(run).config.epochs else {}),
    }


def _transfer(run: Path, jobs: int) -> dict[str, float]:
    """What becomes of other films, at the end of a training."""
    films = [str(OTHER)] if OTHER.exists() else []
    said = _python([str(Path(__file__).with_name("transfer.py")), str(run), *films], jobs)
    lines = [json.loads(line) for line in said.splitlines()[: 1 + len(films)]]
    found = {name: value for line in lines for name, value in line.items()}
    return {name: found[name] for name in TRANSFER if name in found}


def _python(words: list[str], jobs: int) -> str:
    cores = str(max(1, os.cpu_count() // jobs))
    threads = {"TF_NUM_INTRAOP_THREADS": cores, "TF_NUM_INTEROP_THREADS": cores}
    print(*words, flush=True)
    words, env = [sys.executable, *words], {**os.environ, **threads}
    return subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout


def _key(recipe: str, changes: dict, dataset: Dataset, seed: int, epoch: int, epochs: int) -> dict[str, str]:
    said = " ".join(f"{field}={value}" for field, value in changes.items())
    seen, of = epoch * dataset.frames, epochs * dataset.frames
    return dict(zip(KEY, (recipe, said, dataset.name, str(seed), str(seen), str(of)), strict=True))


def _rows() -> list[dict[str, str]]:
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def _append(row: dict[str, object]) -> None:
    new = not TABLE.exists()
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def _means(rows: list[dict[str, str]]) -> dict[str, dict[str, float]]:
    """Per trial and budget, the means over the seeds."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        name = f"{row['recipe']} {row['changes']} {row['frames_seen']} of {row['of_frames']}"
        groups.setdefault(name, []).append(row)
    measured = ("seconds", *FIGURES, *TRANSFER, "rollbacks")
    return {
        name: {
            "seeds": len(group),
            **{
                column: fmean(values)
                for column in measured
                if (values := [float(row[column]) for row in group if row[column]])
            },
        }
        for name, group in groups.items()
    }


def draw() -> None:
    """Draws each trial as it stands in `TRIALS`: a line for each budget, the seeds' spread about it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    qualities = {
        "psnr": "PSNR, dB",
        "ssim": "SSIM",
        "quiet_motion": "motion kept in quiet shots",
        "vmaf": "VMAF",
    }
    figure, axes = plt.subplots(len(qualities), 3, figsize=(12, 13), sharex="col", layout="constrained")
    rows = [row for row in _rows() if not row["changes"]]
    paces = _paces(rows)
    lines: dict[tuple[str, str], dict[int, list[dict[str, str]]]] = {}
    for row in rows:
        line = lines.setdefault((row["recipe"], row["of_frames"]), {})
        line.setdefault(int(row["frames_seen"]), []).append(row)
    names = [name for name in TRIALS if any(name == recipe for recipe, _ in lines)]
    for (recipe, _), points in sorted(lines.items()):
        seen = sorted(points)
        thousands = [frames / 1000 for frames in seen]
        seconds = [frames * paces.get(recipe, math.nan) for frames in seen]
        with_path = make_config("demo", **TRIALS[recipe]).linear_path
        across = [thousands, seconds, thousands if with_path else [math.nan for _ in seen]]
        for axis, quality in zip(axes, qualities, strict=True):
            values = [[float(row[quality]) for row in points[frames]] for frames in seen]
            means = [fmean(seeds) for seeds in values]
            spread = [
                [mean - min(seeds) for mean, seeds in zip(means, values, strict=True)],
                [max(seeds) - mean for mean, seeds in zip(means, values, strict=True)],
            ]
            style = {"color": f"C{names.index(recipe)}", "marker": "o", "markersize": 4, "capsize": 2}
            for column, places in zip(axis, across, strict=True):
                column.errorbar(places, means, spread, **style)
    for axis, label in zip(axes, qualities.values(), strict=True):
        axis[0].set_ylabel(label)
    labels = (
        "thousand frames seen",
        "seconds of training, one core",
        "thousand frames seen, with linear path",
    )
    for axis, label in zip(axes[-1], labels, strict=True):
        axis.set_xlabel(label)
    handles = [plt.Line2D([], [], color=f"C{number}", marker="o") for number in range(len(names))]
    figure.legend(handles, names, loc="outside lower center", ncols=5)
    figure.savefig(FIGURE, dpi=80)
    print(FIGURE)


def _paces(rows: list[dict[str, str]]) -> dict[str, float]:
    """Of each trial the quickest pace on a core, in seconds a frame: most had company on the machine."""
    paces: dict[str, float] = {}
    for row in rows:
        if row["cores"] != "GPU":
            pace = float(row["seconds"]) * int(row["cores"]) / int(row["frames_seen"])
            paces[row["recipe"]] = min(pace, paces.get(row["recipe"], math.inf))
    return paces


if __name__ == "__main__":
    main()
