"""What several runs make of the same moments, one below the other, the film at the top.

    python experiments/looks.py experiments/figures/recipes.png RUN [RUN …]

Of the dataset of the first run. A RUN is a name under experiments/runs/ or a path; each row is called as its
folder.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from autoencode.dataset.catalogue import find
from autoencode.quiet import quiet
from autoencode.run import find_trained_run

with quiet():
    from autoencode.dataset.pipeline import sample_frames
    from autoencode.reconstruct import Reconstructor

MOMENTS, INCHES = 5, 1.6


def main(sheet: str, *names: str) -> None:
    """Draws the sheet."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    runs = [find_trained_run(name) for name in names]
    film = sample_frames(find(Path("data"), runs[0].dataset), MOMENTS)
    rows = {"the film": film, **{run.folder.name: Reconstructor(run, run.weights())(film) for run in runs}}
    height = INCHES * film.shape[1] / film.shape[2]
    size = (MOMENTS * INCHES, len(rows) * height)
    figure, axes = plt.subplots(len(rows), MOMENTS, figsize=size, layout="constrained", squeeze=False)
    for (name, pictures), row in zip(rows.items(), axes, strict=True):
        row[0].set_ylabel(name, fontsize=7)
        for picture, axis in zip(np.asarray(pictures), row, strict=True):
            axis.imshow(picture, interpolation="nearest")
            axis.set(xticks=[], yticks=[], frame_on=False)
    figure.savefig(sheet, dpi=100)
    Image.open(sheet).quantize(256).save(sheet)  # a fourth of the bytes
    print(sheet)


if __name__ == "__main__":
    main(*sys.argv[1:])
