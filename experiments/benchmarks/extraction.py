"""How fast frames are extracted, against the same ffmpeg binary that only decodes and scales to rawvideo.

    python experiments/benchmarks/extraction.py data/films/big_buck_bunny.mp4 96x64

The three are run in turn, several times; start-up is left out of the extraction's time, and the first frame's
decoding of all three is in. Prints frames a second (median) and the ratio to ffmpeg alone, round by round.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autoencode.film import ffmpeg
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.scan import scan
from autoencode.frame_size import parse_size
from autoencode.quiet import quiet

with quiet():
    from autoencode.dataset import catalogue
    from autoencode.dataset.builder import FilmFrames, Record, write

ROUNDS = 3


def main(path: str, size_text: str) -> None:
    """Runs the rounds and prints a table."""
    film, size = probe(path), parse_size(size_text)
    timeline = scan(film)
    width, height = size
    cover = f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height}"

    def ffmpeg_alone() -> None:
        sink = ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
        words = [
            ffmpeg.binary(),
            "-v",
            "error",
            *ffmpeg.source(film.path),
            "-map",
            "0:v:0",
            "-vf",
            cover,
            *sink,
        ]
        subprocess.run(words, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)

    def frames_read() -> None:
        assert sum(1 for _ in read_frames(film, size, timeline=timeline)) == timeline.count

    def frames_written() -> None:
        with tempfile.TemporaryDirectory() as folder:
            builder = FilmFrames(
                name="benchmark",
                size=size,
                records=lambda: (
                    Record(frame.pixels, 0, frame.time)
                    for frame in read_frames(film, size, timeline=timeline)
                ),
                count=timeline.count,
                stored=dict,
                data_dir=Path(folder),
            )
            write(builder)
            assert list(Path(folder).glob(f"{catalogue.BUILDER}/benchmark/*/*.tfrecord*"))

    compare(
        {"ffmpeg alone": ffmpeg_alone, "frames read": frames_read, "dataset written": frames_written},
        timeline.count,
    )


def compare(tasks: dict[str, Callable[[], None]], frames: int) -> None:
    """Times each task in turn, `ROUNDS` times; the first task is what the others are compared with."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            begun = time.monotonic()
            task()
            seconds[name].append(time.monotonic() - begun)
    first = next(iter(seconds.values()))
    for name, times in seconds.items():
        ratios = ", ".join(f"{base / own:.2f}" for base, own in zip(first, times, strict=True))
        print(f"{name:16} {frames / statistics.median(times):6.0f} frames/s   ratio by round: {ratios}")


if __name__ == "__main__":
    main(*sys.argv[1:])
