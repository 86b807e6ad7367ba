"""Signals that ask a command to end: Ctrl-C, SIGTERM, and SIGHUP when the terminal goes."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def handled(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Calls `handler` for them while this holds; only the main thread may ask for it.

    A signal that was ignored when the program began, as SIGHUP is under nohup, stays ignored.
    """
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    handlers = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, before in handlers.items():
            signal.signal(number, before)


@contextmanager
def deferred() -> Iterator[None]:
    """Handles what comes while this holds when it ends. Signals come to the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    try:
        with handled(lambda number, frame: came.append(number)):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])
