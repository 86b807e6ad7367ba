"""Ctrl-C, put off for the moment in which it would leave something behind."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def deferred() -> Iterator[None]:
    """Handles what comes while this holds when it ends. Signals come to the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []
    handlers = {
        number: signal.signal(number, lambda number, frame: came.append(number)) for number in SIGNALS
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
