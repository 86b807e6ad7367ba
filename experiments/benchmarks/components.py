"""What a film's principal components alone hold of it: no network, nothing learned.

    python experiments/benchmarks/components.py big_buck_bunny-96x64

Prints PSNR, SSIM and the movement kept by 200 components of the film as it is, and of the film with its shots
levelled, over every frame, and the seconds that they take.
"""

import sys
import time
from pathlib import Path

import numpy as np

from autoencode.dataset.catalogue import find
from autoencode.quiet import quiet

with quiet():
    from autoencode.dataset.pipeline import frames_in_order
    from autoencode.dataset.shots import find_shots
    from autoencode.metrics import Motion, psnr, ssim
    from autoencode.training.components import principal_components

COUNT = 200


def main(name: str) -> None:
    """Measures both kinds."""
    dataset = find(Path("data"), name)
    batches = [batch["frame"] for batch in frames_in_order(dataset, 64).as_numpy_iterator()]
    begun = time.monotonic()
    shots = find_shots(frame for batch in batches for frame in batch)
    print(f"{dataset.name}: {len(shots)} shots, found in {time.monotonic() - begun:.1f} s")
    # All of it one shot: nothing is levelled.
    for kind, levelled in (("as it is", [range(dataset.frames)]), ("levelled", shots)):
        begun = time.monotonic()
        found = principal_components(lambda: (frame for batch in batches for frame in batch), levelled, COUNT)
        seconds = time.monotonic() - begun
        motion, quality = Motion(shots), []
        for batch in batches:
            pictures = (batch / 127.5 - 1.0).reshape(len(batch), -1) - found.mean
            remembered = pictures @ found.directions @ found.directions.T + found.mean
            remembered = np.clip(np.round((remembered + 1.0) * 127.5), 0, 255).astype(np.uint8)
            remembered = remembered.reshape(batch.shape)
            motion.add(batch, remembered)
            quality.append(np.stack([psnr(batch, remembered), ssim(batch, remembered)]))
        decibels, similarity = np.concatenate(quality, axis=1).mean(axis=1)
        print(f"{kind}: PSNR {decibels:.2f}, SSIM {similarity:.3f},", end=" ")
        print(f"motion {motion.film:.3f}, quiet motion {motion.quiet:.3f}; {seconds:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1])
