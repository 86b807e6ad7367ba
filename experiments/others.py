"""Frames of other films above what a memory makes of them, and an own frame without its colours.

python experiments/others.py experiments/figures/others.png RUN FILM@SECONDS [FILM@SECONDS …] own@FRAME

Of the own film FRAME is a number in the run's dataset.
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
    from autoencode.dataset.pipeline import frames_in_order
    from autoencode.reconstruct import Reconstructor

TIMES = 2
"""By how much the frames are enlarged."""


def main(sheet: str, name: str, *places: str) -> None:
    """Draws the sheet."""
    run = find_trained_run(name)
    if not run.second_weights:
        sys.exit(f"run {run.name} has no second encoder")
    above = np.stack([_frame(run, *place.rsplit("@", 1)) for place in places])
    below = Reconstructor(run, run.second_weights)(above)
    picture = pairs(above, below, len(above)).repeat(TIMES, axis=0).repeat(TIMES, axis=1)
    Path(sheet).write_bytes(png(picture))
    print(sheet)


def _frame(run: Run, path: str, place: str) -> np.ndarray:
    if path == "own":
        dataset = find(Path("data"), run.dataset)
        (batch,) = frames_in_order(dataset, 1, f"train[{place}:{int(place) + 1}]").as_numpy_iterator()
        grey = batch["frame"][0] @ np.float32([0.299, 0.587, 0.114])
        return grey.round().astype(np.uint8)[..., None].repeat(3, axis=-1)
    film, timeline = open_film(Path(path), Reading(start=float(place), duration=1.0))
    return next(iter(read_frames(film, run.config.size, timeline=timeline))).pixels


if __name__ == "__main__":
    main(*sys.argv[1:])
