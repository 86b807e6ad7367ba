"""What the commands share: flags in, one line out when something is wrong."""

import math
import re
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging

from autoencode.errors import UserError
from autoencode.explain import explain
from autoencode.interrupt import handled
from autoencode.streams import make_safe

FAILURE, MISUSE, INTERRUPTED = 1, 2, 128 + signal.SIGINT

PLAINER = {
    r"\('Non-boolean argument to boolean flag', .*\)": "must be true or false",
    r"invalid literal for int\(\) with base 10: .*": "must be a whole number",
    r"could not convert string to float: .*": "must be a number",
}
"""What absl quotes, and what it means."""


def run(main: Callable[[], None]) -> NoReturn:
    """Parses the flags, calls `main`, and turns errors meant for the user into one line and a status."""

    def guarded(argv: list[str]) -> None:
        if len(argv) > 1:
            fail(f"{argv[1]!r} is not a flag; flags are written --name=value (see --help)", MISUSE)
        logging.set_verbosity(logging.ERROR)  # libraries' notes on their own doings
        try:
            with handled(_interrupt):  # nothing half done is left
                main()
        except UserError as error:
            fail(str(error), FAILURE)
        except KeyboardInterrupt as asked:
            fail(str(asked) or "interrupted", INTERRUPTED)
        except Exception as error:
            if not (words := explain(error)):
                raise
            fail(words, FAILURE)

    make_safe()
    app.run(guarded, flags_parser=_parse)


def fail(message: str, status: int) -> NoReturn:
    """Prints one line on stderr and exits."""
    print("autoencode: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(status)


def finite(*typed: flags.FlagHolder) -> None:
    """Raises `UserError` for a number flag that is infinite or not a number, which absl lets pass."""
    for flag in typed:
        if flag.value is not None and not math.isfinite(flag.value):
            raise UserError(f"--{flag.name}={flag.value}: must be a finite number")


def once(*typed: flags.FlagHolder) -> None:
    """Raises `UserError` for a flag that was typed more than once, of which absl takes the last."""
    for flag in typed:
        if flags.FLAGS[flag.name].present > 1:
            raise UserError(f"--{flag.name}: this command takes one {flag.name} at a time")


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _plainly(words: str) -> str:
    """What absl says of a flag, where it quotes Python's own words."""
    for pattern, plain in PLAINER.items():
        words = re.sub(pattern, plain, words)
    return words


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        # absl says of a missing flag that its value must not be None.
        missing = re.match(r"flag (--\w+)=None", str(error))
        if not missing:
            fail(f"{_plainly(str(error))} (see --help)", MISUSE)
        bare = next((word for word in argv[1:] if not word.startswith("-")), None)
        fail(f"{missing[1]} is missing ({f'write {missing[1]}={bare}' if bare else 'see --help'})", MISUSE)
