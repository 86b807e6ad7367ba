"""What the commands share: flags in, one line out when something is wrong, silence from TensorFlow."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from absl import app, flags, logging

from autoencode.errors import UserError

FAILURE, MISUSE, INTERRUPTED = 1, 2, 128 + signal.SIGINT


def run(main: Callable[[], None]) -> NoReturn:
    """Parses the flags, calls `main`, and turns errors meant for the user into one line and a status."""

    def guarded(argv: list[str]) -> None:
        if len(argv) > 1:
            fail(f"{argv[1]!r} is not a flag; flags are written --name=value (see --help)", MISUSE)
        logging.set_verbosity(logging.ERROR)  # libraries' notes on their own doings
        try:
            main()
        except UserError as error:
            fail(str(error), FAILURE)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)

    app.run(guarded, flags_parser=_parse)


def fail(message: str, status: int) -> NoReturn:
    """Prints one line on stderr and exits."""
    print("autoencode: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(status)


@contextmanager
def quiet() -> Iterator[None]:
    """Silences what TensorFlow's libraries write to stderr while they are imported; errors still raise.

    They write before any log level of theirs can be set, so the file descriptor itself is turned away.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        # absl says of a missing flag that its value must not be None.
        missing = re.match(r"flag (--\w+)=None", str(error))
        fail(f"{missing[1]} is missing (see --help)" if missing else f"{error} (see --help)", MISUSE)
