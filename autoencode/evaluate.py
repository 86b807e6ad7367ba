"""Measures how well a run remembers: `python -m autoencode.evaluate --film=koyaanisqatsi.mp4`."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from autoencode import command, film_flags, run_flags
from autoencode.dataset.catalogue import find
from autoencode.errors import UserError
from autoencode.files import typed_path
from autoencode.film.folder import sha256_of
from autoencode.film.reading import open_film
from autoencode.film.timeline import clock
from autoencode.frame_size import format_size
from autoencode.quiet import quiet
from autoencode.run import Run

if TYPE_CHECKING:
    from autoencode.evaluation import Evaluation

flags.adopt_module_key_flags(film_flags)
flags.adopt_module_key_flags(run_flags)
_FILM = flags.DEFINE_string("film", None, "The film to measure on.")
_DATASET = flags.DEFINE_string(
    "dataset", None, "The dataset to measure on; the run's own if neither is given."
)
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the datasets.")
_VMAF = flags.DEFINE_boolean("vmaf", True, "Measure VMAF too, which takes longest.")
_JSON = flags.DEFINE_boolean("json", False, "One line of JSON on stdout, and nothing else.")

WORST = 5


def main() -> None:
    """Checks all that can be checked without TensorFlow, then measures."""
    command.once(_FILM)
    on_film = _FILM.value is not None
    if on_film and _DATASET.value is not None:
        raise UserError("--film and --dataset: choose one of them")
    if not on_film and (part := str(film_flags.reading())):
        raise UserError(
            f"--{part.replace(' ', ' --')}: is of a film, named by --film; a dataset is measured whole"
        )
    run = run_flags.find_run()
    if on_film:
        film, timeline = open_film(typed_path("film", _FILM.value), film_flags.reading())
        on, films = film.path.name, [sha256_of(film.path)]
    else:
        dataset = find(typed_path("data_dir", _DATA_DIR.value), _DATASET.value or run.dataset)
        if dataset.size != run.config.size:
            held, needed = format_size(dataset.size), format_size(run.config.size)
            raise UserError(f"dataset {dataset.name} holds frames of {held}; run {run.name} takes {needed}")
        on, films = dataset.name, [source.sha256 for source in dataset.sources]
    weights = run_flags.choose_weights(run, films)
    with quiet():
        from autoencode.evaluation import dataset_footage, evaluate, film_footage
        from autoencode.reconstruct import Reconstructor
    footage = film_footage(film, timeline, run.config.size) if on_film else dataset_footage(dataset)
    if not _JSON.value and not run_flags.learned(run, films):
        print(run_flags.which_encoder(run, weights, on), flush=True)
    evaluation = evaluate(Reconstructor(run, weights), footage, with_vmaf=_VMAF.value)
    if _JSON.value:
        print(_json(run, weights, on, evaluation, timeline.damage.notes if on_film else []))
        return
    if on_film:
        timeline.damage.say()
    print(_table(run, weights, on, on_film, evaluation))


def _json(run: Run, weights: Path, on: str, evaluation: "Evaluation", damage: list[str]) -> str:
    figures = {
        "run": run.name,
        "weights": weights.name,
        "encoder": "other" if run.is_second(weights) else "own",
        "on": on,
        "frames": len(evaluation.times),
        "damage": damage,
        "psnr": round(float(evaluation.psnr.mean()), 4),
        "psnr_median": round(float(np.median(evaluation.psnr)), 4),
        "ssim": round(float(evaluation.ssim.mean()), 5),
        "ssim_median": round(float(np.median(evaluation.ssim)), 5),
        "motion": _rounded(evaluation.motion),
        "quiet_motion": _rounded(evaluation.quiet_motion),
        "vmaf": _rounded(evaluation.vmaf),
        "worst": [
            {"index": i, "time": round(float(evaluation.times[i]), 4)} for i in evaluation.worst(WORST)
        ],
    }
    return json.dumps(figures)


def _rounded(value: float) -> float | None:
    """For JSON, which has no word for what is not a number."""
    return round(value, 4) if math.isfinite(value) else None


def _table(run: Run, weights: Path, on: str, on_film: bool, evaluation: "Evaluation") -> str:
    lines = [
        f"run {run.name}, {weights.parent.name}/{weights.name}, on {on}: {len(evaluation.times):,} frames"
        f" at {format_size(run.config.size)}",
        f"{'':8}{'mean':>8}{'median':>8}{'worst':>8}",
    ]
    for name, values, digits in (("PSNR dB", evaluation.psnr, 2), ("SSIM", evaluation.ssim, 3)):
        figures = "".join(
            f"{value:8.{digits}f}" for value in (values.mean(), np.median(values), values.min())
        )
        lines.append(f"{name:8}{figures}")
    for name, value, digits in (
        ("motion kept", evaluation.motion, 3),
        ("  in quiet shots", evaluation.quiet_motion, 3),
        ("VMAF", evaluation.vmaf, 2),
    ):
        lines.append(f"{name:18}{f'{value:.{digits}f}' if math.isfinite(value) else '–':>6}")
    if not on_film and math.isfinite(evaluation.vmaf):
        lines[-1] += "  against the dataset's own frames; --film compares with a film, and is far stricter"
    lines.append(
        "worst frames: "
        + ", ".join(
            f"{i} at {clock(float(evaluation.times[i]))} ({evaluation.psnr[i]:.1f} dB)"
            for i in evaluation.worst(WORST)
        )
    )
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(main)
