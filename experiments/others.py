"""Frames of other films above what a memory makes of them, and an own frame without its colours.

    python experiments/others.py experiments/figures/others.png RUN FILM@SECONDS [FILM@SECONDS …]

The own frame, the last, is the one in the middle of the run's dataset.
"""

import sys
from pathlib import Path

import numpy as np

from autoencode.dataset.catalogue import find
from autoencode.film.decode import read_frames
from autoencode.film.reading import Reading, open_film
from autoencode.pictures import pairs, png
from autoencode.quiet import quiet
from autoencode.run import Run, find_trained_run

with quiet():
    from autoencode.dataset.pipeline import sample_frames
    from autoencode.reconstruct import Reconstructor

TIMES = 2
"""By how much the frames are enlarged."""


def main(sheet: str, name: str, *places: str) -> None:
    """Draws the sheet."""
    run = find_trained_run(name)
    if not run.second_weights:
        sys.exit(f"run {run.name} has no second encoder")
    above = [_frame(run, *place.rsplit("@", 1)) for place in places]
    own = sample_frames(find(Path("data"), run.dataset), 1)[0] @ np.float32([0.299, 0.587, 0.114])
    above = np.stack([*above, own.round().astype(np.uint8)[..., None].repeat(3, axis=-1)])
    below = Reconstructor(run, run.second_weights)(above)
    picture = pairs(above, below, len(above)).repeat(TIMES, axis=0).repeat(TIMES, axis=1)
    Path(sheet).write_bytes(png(picture))
    print(sheet)


def _frame(run: Run, path: str, seconds: str) -> np.ndarray:
    film, timeline = open_film(Path(path), Reading(start=float(seconds), duration=1.0))
    return next(iter(read_frames(film, run.config.size, timeline=timeline))).pixels


if __name__ == "__main__":
    main(*sys.argv[1:])
