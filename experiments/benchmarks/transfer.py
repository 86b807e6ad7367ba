"""What a run makes of films that it never saw, and of its own film without colours.

    python experiments/benchmarks/transfer.py RUN [FILM …] [--encoder=own]

Prints a line of JSON for the run's own dataset, one for each film, and one for each of four that are made
here: discs that move over even grounds, a pan over a noisy picture, and the own film upside down and in other
colours. The encoder is the run's second one, if it has it, unless `own` is asked for. On frames of the
model's size, without black bars; figures on `SAMPLED` frames of each film, evenly spread, and on every
`OWN`th of the own film's; flicker on all. Luminance and chroma are those of JPEG (ITU-R BT.601, full range).

- structure: of the luminance averaged over squares of 4×4 pixels, Pearson's correlation of source and output
  in each frame; the mean over frames in which it deviates, in the source, by more than 6 levels.
- palette: how far the chroma of the output's pixels lies from that of the learned film's pixels of the same
  luminance. In each of 16 equal bins of luminance the sliced Wasserstein-1 distance, over 8 directions, in
  levels; the mean over the bins, weighted by the output's pixels.
- texture: how far the output's patches of 8×8 luminances, each less its mean and over its standard deviation,
  lie from the learned film's: sliced Wasserstein-1 distance over 256 directions, times 100. Patches that
  deviate by less than 5 levels are left out.
  Both are also given of the source itself.
- grain: mean magnitude of the luminance less its 3×3 mean, over the learned film's; of the chroma likewise.
- saturation: mean of the largest less the smallest of red, green and blue, in levels.
- colour from grey: saturation of the reconstructions of desaturated own frames over that of the coloured
  frames' reconstructions, and their PSNR against the coloured frames, in dB.
- flicker: mean magnitude of the change from frame to frame within shots, of luminance averaged over squares
  of 4×4 pixels, of the output over that of the source.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autoencode.dataset.catalogue import find
from autoencode.film.decode import read_frames
from autoencode.film.reading import open_film
from autoencode.quiet import quiet
from autoencode.run import Run, find_trained_run

with quiet():
    from autoencode.dataset.pipeline import frames_in_order
    from autoencode.dataset.shots import find_shots
    from autoencode.metrics import psnr
    from autoencode.reconstruct import Reconstructor

SAMPLED, OWN = 160, 15
BINS, PALETTE_DIRECTIONS = 16, 8
PATCH, TEXTURE_DIRECTIONS, PATCHES = 8, 256, 20_000
EVEN, FLAT = 6.0, 5.0
"""Levels of 255: below that, a frame has no structure, and a patch no texture."""

QUANTILES = (np.arange(256) + 0.5) / 256


def luminance(frames: np.ndarray) -> np.ndarray:
    """(…, 3) uint8 RGB → (…) float32."""
    return frames.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])


def chroma(frames: np.ndarray) -> np.ndarray:
    """(…, 3) uint8 RGB → (…, 2) float32: Cb and Cr, 0 where there is no colour."""
    weights = [[-0.168736, 0.5], [-0.331264, -0.418688], [0.5, -0.081312]]
    return frames.astype(np.float32) @ np.float32(weights)


def quarter(frames: np.ndarray) -> np.ndarray:
    """(n, height, width, 3) uint8 → (n, height / 4, width / 4): luminance averaged over squares."""
    rows = luminance(frames)
    count, height, width = rows.shape
    return rows.reshape(count, height // 4, 4, width // 4, 4).mean(axis=(2, 4))


def structure(source: np.ndarray, output: np.ndarray) -> float:
    """Of frames (n, height, width, 3) uint8; not a number if none has any."""
    x, y = (quarter(frames).reshape(len(frames), -1) for frames in (source, output))
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    deviation = np.sqrt(np.square(x).mean(1))
    products = np.sqrt(np.square(x).sum(1) * np.square(y).sum(1)) + 1e-9
    counted = deviation > EVEN
    return float(((x * y).sum(1) / products)[counted].mean()) if counted.any() else float("nan")


def sliced_wasserstein(one: np.ndarray, other: np.ndarray, directions: np.ndarray) -> float:
    """Mean over unit directions (k, d) of the distance of two sets of points, (n, d) and (m, d)."""
    projected = (np.quantile(points @ directions.T, QUANTILES, axis=0) for points in (one, other))
    return float(np.abs(next(projected) - next(projected)).mean())


def palette(film: np.ndarray, output: np.ndarray) -> float:
    """Of frames (n, height, width, 3) uint8."""
    angles = np.pi * np.arange(PALETTE_DIRECTIONS) / PALETTE_DIRECTIONS
    directions = np.float32([np.cos(angles), np.sin(angles)]).T
    bins, colours = [], []
    for frames in (film, output):
        bins.append((luminance(frames).reshape(-1) * BINS / 256).astype(int).clip(0, BINS - 1))
        colours.append(chroma(frames).reshape(-1, 2))
    held = np.unique(bins[0])
    distances, weights = [], []
    for number in np.unique(bins[1]):
        nearest = held[np.abs(held - number).argmin()]  # a luminance that the film does not have
        mine = colours[1][bins[1] == number]
        distances.append(sliced_wasserstein(colours[0][bins[0] == nearest], mine, directions))
        weights.append(len(mine))
    return float(np.average(distances, weights=weights))


def _patches(frames: np.ndarray) -> np.ndarray:
    rows = luminance(frames)
    count, height, width = rows.shape
    down, across = height // PATCH, width // PATCH
    rows = rows[:, : down * PATCH, : across * PATCH].reshape(count, down, PATCH, across, PATCH)
    patches = rows.transpose(0, 1, 3, 2, 4).reshape(-1, PATCH**2)
    patches = patches - patches.mean(1, keepdims=True)
    deviations = patches.std(1, keepdims=True)
    patches = (patches / np.maximum(deviations, 1e-9))[deviations[:, 0] >= FLAT]
    draws = np.random.default_rng(0).permutation(len(patches))[:PATCHES]
    return patches[draws]


def texture(film: np.ndarray, output: np.ndarray) -> float:
    """Of frames (n, height, width, 3) uint8."""
    directions = np.random.default_rng(0).standard_normal((TEXTURE_DIRECTIONS, PATCH**2)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return 100 * sliced_wasserstein(_patches(film), _patches(output), directions)


def grain(frames: np.ndarray) -> tuple[float, float]:
    """Of the luminance and of the chroma of frames (n, height, width, 3) uint8."""
    fine = []
    for values in (luminance(frames)[..., None], chroma(frames)):
        padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        height, width = values.shape[1:3]
        around = sum(padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
        fine.append(float(np.abs(values - around).mean()))
    return fine[0], fine[1]


def saturation(frames: np.ndarray) -> float:
    """Of frames (…, 3) uint8."""
    return float((frames.max(-1).astype(np.float32) - frames.min(-1)).mean())


def grey(frames: np.ndarray) -> np.ndarray:
    """The frames without their colours."""
    return luminance(frames).round().astype(np.uint8)[..., None].repeat(3, axis=-1)


def flicker(source: np.ndarray, output: np.ndarray, shots: list[range]) -> float:
    """Of all frames of a film, (n, height, width, 3) uint8; not a number if nothing moves."""
    changes = []
    for frames in (source, output):
        small = quarter(frames)
        steps = [np.abs(np.diff(small[shot.start : shot.stop], axis=0)).mean((1, 2)) for shot in shots]
        changes.append(float(np.concatenate(steps).mean()))
    return changes[1] / changes[0] if changes[0] else float("nan")


def measure(film: np.ndarray, source: np.ndarray, output: np.ndarray) -> dict[str, float]:
    """The figures of some frames of a film that was not learned, rounded, by name.

    Args:
        film: frames of the learned one, (n, height, width, 3) uint8.
        source: frames of the other.
        output: what became of these.
    """
    of_luminance, of_chroma = grain(output)
    figures = {
        "structure": structure(source, output),
        "palette": palette(film, output),
        "palette_of_source": palette(film, source),
        "texture": texture(film, output),
        "texture_of_source": texture(film, source),
        "grain": of_luminance / grain(film)[0],
        "grain_of_chroma": of_chroma / grain(film)[1],
        "saturation": saturation(output),
    }
    return {name: round(value, 3) for name, value in figures.items()}


def reconstructed(frames: np.ndarray, reconstruct: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Frames through the networks, some at a time."""
    return np.concatenate([reconstruct(frames[i : i + 32]) for i in range(0, len(frames), 32)])


def own_frames(dataset: str, split: str = "train", every: int = OWN) -> np.ndarray:
    """Every so manyth frame of the run's dataset, or of a part of it."""
    batches = frames_in_order(find(Path("data"), dataset), every, split).as_numpy_iterator()
    return np.stack([batch["frame"][0] for batch in batches])


def discs(count: int, size: tuple[int, int]) -> np.ndarray:
    """Five discs of even colours that move over an even ground."""
    draws, (width, height) = np.random.default_rng(0), size
    down, across = np.mgrid[:height, :width]
    colours = draws.integers(0, 256, (6, 3))
    frames = np.tile(colours[0], (count, height, width, 1))
    for colour, place, pace, reach in zip(
        *(colours[1:], draws.random((5, 2)), draws.uniform(-0.01, 0.01, (5, 2)), draws.uniform(0.1, 0.3, 5)),
        strict=True,
    ):
        for frame, (y, x) in zip(frames, place + pace * np.arange(count)[:, None], strict=True):
            distance = np.hypot(down - height * (y % 1), across - width * (x % 1))
            frame[distance < reach * height] = colour
    return frames.astype(np.uint8)


def pan(count: int, size: tuple[int, int]) -> np.ndarray:
    """A slow pan over a picture of coloured clouds, with the noise of a film."""
    draws, (width, height) = np.random.default_rng(0), size
    wide = width + count // 4
    spectrum = np.fft.rfft2(draws.standard_normal((3, height, wide)))
    reach = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(wide) * wide)
    clouds = np.fft.irfft2(spectrum / (1 + reach) ** 1.5, (height, wide)).transpose(1, 2, 0)
    clouds = 120 + 50 * (clouds - clouds.mean()) / clouds.std()
    frames = np.stack([clouds[:, place // 4 :][:, :width] for place in range(count)])
    return (frames + 4 * draws.standard_normal(frames.shape)).round().clip(0, 255).astype(np.uint8)


def made(run: Run) -> dict[str, np.ndarray]:
    """Films that are made here, by name: all frames, (n, height, width, 3) uint8."""
    begin = max(0, run.frames - SAMPLED) // 2
    part = own_frames(run.dataset, f"train[{begin}:{min(begin + SAMPLED, run.frames)}]", every=1)
    return {
        "discs": discs(SAMPLED, run.config.size),
        "pan": pan(SAMPLED, run.config.size),
        "upside_down": part[:, ::-1],
        "other_colours": part[..., [2, 0, 1]],
    }


def film_frames(path: str, size: tuple[int, int]) -> np.ndarray:
    """All frames of a film at a size."""
    film, timeline = open_film(Path(path))
    return np.stack([frame.pixels for frame in read_frames(film, size, timeline=timeline)])


def from_grey(own: np.ndarray, reconstruct: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """What becomes of own frames, and of the same without colours."""
    coloured, from_grey = (reconstructed(frames, reconstruct) for frames in (own, grey(own)))
    return {
        "own_psnr": round(float(np.mean(psnr(own, coloured))), 3),
        "colour_from_grey": round(saturation(from_grey) / max(saturation(coloured), 1e-9), 3),
        "psnr_from_grey": round(float(np.mean(psnr(own, from_grey))), 3),
    }


def measured(run: Run, films: dict[str, np.ndarray], encoder: str = "other") -> Iterator[dict[str, Any]]:
    """The figures of a run's own film, and then of each of these.

    Args:
        run: whose memory.
        films: all frames of each, by name.
        encoder: `own`, or `other` where the run has it.
    """
    weights = run.second_weights if encoder == "other" and run.second_weights else run.weights()
    reconstruct = Reconstructor(run, weights)
    own = own_frames(run.dataset)
    about = {"run": run.name, "encoder": "other" if run.is_second(weights) else "own"}
    yield {**about, "film": run.dataset, **from_grey(own, reconstruct)}
    for name, frames in films.items():
        output = reconstructed(frames, reconstruct)
        chosen = np.linspace(0, len(frames) - 1, min(SAMPLED, len(frames))).astype(int)
        figures = measure(own, frames[chosen], output[chosen])
        figures["flicker"] = round(flicker(frames, output, find_shots(frames)), 3)
        yield {**about, "film": name, **figures}


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("films", nargs="*")
    parser.add_argument("--encoder", choices=["own", "other"], default="other")
    asked = parser.parse_args()
    run = find_trained_run(asked.run)
    films = {Path(path).name: film_frames(path, run.config.size) for path in asked.films}
    for figures in measured(run, {**films, **made(run)}, asked.encoder):
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
