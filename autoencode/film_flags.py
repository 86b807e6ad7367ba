"""The flags that say which part of a film is read and how, the same for every command that reads one."""

import math
import re

from absl import flags

from autoencode.film.reading import Reading


class _Time(flags.ArgumentParser):
    """Seconds, or as a player shows them: 90, 1:30, 1:02:03.4."""

    syntactic_help = "seconds, or minutes and hours as in 1:30 and 1:02:03.4"

    def parse(self, argument: str | float) -> float:
        """Raises `ValueError` for what is no time."""
        parts = str(argument).split(":")
        plain = all(re.fullmatch(r"\d+", part) for part in parts[:-1]) and re.fullmatch(
            r"\d+(\.\d*)?|\.\d+", parts[-1]
        )
        if not plain or len(parts) > 3 or any(float(part) >= 60 for part in parts[1:]):
            raise ValueError(f"{argument!r} is not a time; write 90, 1:30 or 1:02:03.4")
        return math.fsum(float(part) * 60**power for power, part in enumerate(reversed(parts)))

    def flag_type(self) -> str:
        """For --help."""
        return "time"


_START = flags.DEFINE(_Time(), "start", 0.0, "Where in the film to begin.")
_DURATION = flags.DEFINE(_Time(), "duration", None, "How much of it to take; to the end if left out.")
_EVERY = flags.DEFINE_integer("every", 1, "Of so many pictures, take the first.", 1)
_CROP = flags.DEFINE_string(
    "crop", "auto", "The part of the picture to use: W:H:X:Y in pixels; none, all; auto, without black bars."
)
_DEINTERLACE = flags.DEFINE_enum(
    "deinterlace", "auto", ["auto", "on", "off"], "Make pictures whole that consist of two fields."
)
_RATE = flags.DEFINE_string(
    "rate",
    None,
    "Of a folder of numbered pictures: how many a second, such as 25 or 24000/1001; 24 if left out.",
)
_ALLOW_DAMAGED = flags.DEFINE_boolean(
    "allow_damaged",
    False,
    "Take a broken film as it is: a new film keeps the picture before a gap, records leave out what is gone.",
)
PART = (_START, _DURATION, _EVERY, _CROP, _DEINTERLACE, _RATE)
"""Those that choose frames, where nothing is damaged."""


def reading() -> Reading:
    """What was typed."""
    return Reading(**{flag.name: flag.value for flag in (*PART, _ALLOW_DAMAGED)})
