"""Memory does not grow with the length of a film."""

import re
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pytest
from commands import started
from films import make_film

from autoencode.film.probe import probe
from autoencode.film.scan import scan

AT_ONCE = 4
"""Python, the decoder, an encoder, and the one before it, which is ending its part."""


def memory_of(process):
    """What a running process and its children use just now, in KiB; what they share counts once."""
    tasks = [path.read_text().split() for path in Path(f"/proc/{process.pid}/task").glob("*/children")]
    # A child that is still Python has just been forked, and its memory is its parent's.
    python, *others = (Path(f"/proc/{pid}") for pid in (process.pid, *set(chain(*tasks))))
    programs = [python, *(other for other in others if not (other / "exe").samefile(python / "exe"))]
    maps = {program.name: (program / "smaps_rollup").read_text() for program in programs}
    return {name: int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) for name, text in maps.items()}


@pytest.mark.slow
def test_rendering_takes_no_more_for_a_longer_film(trained):
    """14,000 frames take at most 1.05 × the memory of 1,000, Python and both ffmpegs together."""
    peaks = []
    for frames in (1000, 14000):
        make_film(trained / "endless.mkv", frames=frames, size=(96, 64))
        most, together = {}, 0
        with started("render", "--film=endless.mkv", "--output=endless.mp4", cwd=trained) as process:
            while process.poll() is None:
                with suppress(OSError, TypeError):  # one of them has just ended
                    now = memory_of(process)
                    most |= {name: max(used, most.get(name, 0)) for name, used in now.items()}
                    together = max(together, sum(now.values()))
                time.sleep(0.02)
        assert process.returncode == 0
        assert scan(probe(trained / "endless.mp4")).count == frames
        # Two encoders meet for a moment, which a look may miss: so each program's own peak, of as many.
        peaks.append(max(together, sum(sorted(most.values())[-AT_ONCE:])))
    print(f"peak memory in KiB for 1,000 and 14,000 frames: {peaks}")
    assert peaks[1] <= 1.05 * peaks[0]
