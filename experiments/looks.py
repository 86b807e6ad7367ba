"""What several runs make of the same moments, one below the other, the film at the top.

    python experiments/looks.py experiments/figures/recipes.jpg RUN [RUN …]

Of the dataset of the first run. A RUN is a name under experiments/runs/ or a path; each row is called as its
folder. Each pixel of a picture is four of the sheet.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from autoencode.dataset.catalogue import find
from autoencode.pictures import grid
from autoencode.quiet import quiet
from autoencode.run import find_trained_run

with quiet():
    from autoencode.dataset.pipeline import sample_frames
    from autoencode.reconstruct import Reconstructor

MOMENTS, TIMES, MARGIN = 5, 2, 110


def main(sheet: str, *names: str) -> None:
    """Draws the sheet."""
    runs = [find_trained_run(name) for name in names]
    film = sample_frames(find(Path("data"), runs[0].dataset), MOMENTS)
    rows = {"the film": film, **{run.folder.name: Reconstructor(run, run.weights())(film) for run in runs}}
    height, width = TIMES * film.shape[1], TIMES * film.shape[2]
    drawn = Image.new("RGB", (MARGIN + MOMENTS * width, len(rows) * height), "white")
    pen = ImageDraw.Draw(drawn)
    for number, (name, pictures) in enumerate(rows.items()):
        row = grid(np.asarray(pictures).repeat(TIMES, axis=1).repeat(TIMES, axis=2), MOMENTS)
        drawn.paste(Image.fromarray(row), (MARGIN, number * height))
        pen.text((4, (number + 0.5) * height), name, "black", anchor="lm")
    drawn.save(sheet, quality=88, subsampling=0)  # not in a palette, which has bands of its own
    print(sheet)


if __name__ == "__main__":
    main(*sys.argv[1:])
