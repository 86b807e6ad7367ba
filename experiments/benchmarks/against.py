"""Extraction and rendering of a film, here and in another checkout of this project, in turn.

    git worktree add ../before COMMIT
    python experiments/benchmarks/against.py ../before experiments/runs/demo data/films/big_buck_bunny.mp4

The run must be one that both can read. Prints the seconds of the whole commands, and
their ratio, round by round.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 3


def main(other: str, run: str, film: str) -> None:
    """Measures."""
    here, there = Path.cwd(), Path(other).resolve()
    taken: dict[tuple[str, Path], list[float]] = {}
    for number in range(ROUNDS):
        # Whoever comes second finds the film in memory: by turns.
        for checkout in (here, there) if number % 2 else (there, here):
            with tempfile.TemporaryDirectory() as place:
                film_flag = f"--film={Path(film).resolve()}"
                flags = {
                    "frames": [film_flag, "--size=96x64", f"--data_dir={place}"],
                    "render": [film_flag, f"--run={Path(run).resolve()}", f"--output={place}/film.mp4"],
                }
                for command, typed in flags.items():
                    begun = time.monotonic()
                    _run(checkout, command, typed)
                    taken.setdefault((command, checkout), []).append(time.monotonic() - begun)
    for command in ("frames", "render"):
        ours, theirs = taken[command, here], taken[command, there]
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        print(f"{command}: {median(ours):.1f} s here, {median(theirs):.1f} s there,", end=" ")
        print(f"{median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})")


def _run(checkout: Path, command: str, flags: list[str]) -> None:
    words = [sys.executable, "-m", f"autoencode.{command}", *flags]
    env = {**os.environ, "PYTHONPATH": str(checkout)}
    subprocess.run(words, cwd=checkout, env=env, check=True, capture_output=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
