"""Runs the commands as a user does."""

import multiprocessing
import multiprocessing.forkserver
import os
import re
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from autoencode.quiet import quiet

ROOT = Path(__file__).parent.parent
LONGEST = 120
"""Seconds after which a command hangs."""

Result = subprocess.CompletedProcess[str]


def started(
    name: str, *flags: str, cwd: Path, output: int = subprocess.DEVNULL, **environment: str
) -> subprocess.Popen[str]:
    """`python -m autoencode.<name> <flags>` in a folder, running."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    words = [sys.executable, "-m", f"autoencode.{name}", *flags]
    return subprocess.Popen(words, cwd=cwd, env=env, stdout=output, stderr=output, text=True)


def typed(name: str, *flags: str, cwd: Path, **environment: str) -> Result:
    """The same, ended."""
    with started(name, *flags, cwd=cwd, output=subprocess.PIPE, **environment) as process:
        said, complained = process.communicate()
    return Result(process.args, process.returncode, said, complained)


def command(name: str, *flags: str, cwd: Path, largest_file: int | None = None) -> Result:
    """The same in a process that has TensorFlow already, on a disk that takes no file above so many bytes.

    Loading TensorFlow is more than half of what a command costs, up to seven seconds of a core.
    """
    return _forked(name, flags, cwd, largest_file=largest_file)


def stopped(
    name: str,
    *flags: str,
    cwd: Path,
    once: Callable[[], bool],
    everybody: bool = False,
    number: int = signal.SIGINT,
    ignored: bool = False,
) -> Result:
    """The same, sent a signal (Ctrl-C) once something holds; as a terminal does, to `everybody` that it
    started too. `ignored`: it was when the command began.
    """

    def stop(process: BaseProcess) -> None:
        _wait(once, process)
        (os.killpg if everybody else os.kill)(process.pid, number)

    return _forked(name, flags, cwd, meanwhile=stop, ignored=[number] if ignored else [])


def unread(name: str, *flags: str, cwd: Path) -> int:
    """The same with nobody who reads what it says; its status."""
    with tempfile.TemporaryDirectory() as folder:
        pipes = [Path(folder, "said"), Path(folder, "complained")]
        for pipe in pipes:
            os.mkfifo(pipe)

        def open_and_close(process: BaseProcess) -> None:
            for pipe in pipes:  # each waits until the command opens it too
                os.close(os.open(pipe, os.O_RDONLY))

        return _run(_Setting(name, flags, cwd, pipes), open_and_close)


def in_terminal(name: str, *flags: str, cwd: Path, once: Callable[[], bool], ignored: bool) -> int:
    """The same in a terminal that is closed once something holds; its status. `ignored`: SIGHUP is, as under
    nohup.
    """
    master, slave = os.openpty()
    os.set_blocking(master, False)

    def close(process: BaseProcess) -> None:
        os.close(slave)  # the command has its own by now, or will
        _wait(once, process, master)
        os.close(master)

    terminal = Path(os.ttyname(slave))
    numbers = [signal.SIGHUP] if ignored else []
    return _run(_Setting(name, flags, cwd, [terminal, terminal], ignored=numbers, terminal=terminal), close)


def in_background(name: str, *flags: str, cwd: Path) -> Result:
    """The same behind `&` at a terminal that another process has: who reads it is stopped."""
    master, slave = os.openpty()
    try:
        return _forked(name, flags, cwd, terminal=Path(os.ttyname(slave)), in_background=True)
    finally:
        os.close(master)
        os.close(slave)


def _wait(once: Callable[[], bool], process: BaseProcess, terminal: int | None = None) -> None:
    while not once() and process.is_alive():
        time.sleep(0.02)
        if terminal is not None:
            with suppress(OSError):  # nothing is there
                os.read(terminal, 65536)


class _Setting(NamedTuple):
    """What a process is to become."""

    name: str
    flags: tuple[str, ...]
    cwd: Path
    outputs: list[Path]  # its stdout and stderr
    largest_file: int | None = None
    ignored: Sequence[int] = ()  # signals
    terminal: Path | None = None  # its stdin, and its own
    in_background: bool = False  # of that terminal


def _forked(
    name: str,
    flags: tuple[str, ...],
    cwd: Path,
    meanwhile: Callable[[BaseProcess], None] = lambda process: None,
    **setting: Any,
) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, "said"), Path(folder, "complained")]
        status = _run(_Setting(name, flags, cwd, outputs, **setting), meanwhile)
        return Result([name, *flags], status, *(path.read_text() for path in outputs))


def _run(setting: _Setting, meanwhile: Callable[[BaseProcess], None]) -> int:
    """The command's status; one that does not end is killed."""
    process = _forks().Process(target=_become, args=(setting,))
    process.start()
    meanwhile(process)
    process.join(LONGEST)
    if process.is_alive():
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    return process.exitcode


@cache
def _forks() -> ForkServerContext:
    """What forks processes off one that has loaded TensorFlow and done nothing with it."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tensorflow", "tensorflow_datasets"])
    with quiet():
        multiprocessing.forkserver.ensure_running()
    return forks


def _become(setting: _Setting) -> None:
    """Turns the forked process into the command."""
    os.setsid()
    for number in setting.ignored:
        signal.signal(number, signal.SIG_IGN)
    if setting.terminal:
        os.dup2(os.open(setting.terminal, os.O_RDWR), 0)
    if setting.in_background:
        child = os.fork()
        if child:  # the shell, which has the terminal
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os.setpgid(0, 0)
    for number, path in enumerate(setting.outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    if setting.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (setting.largest_file, setting.largest_file))
    os.chdir(setting.cwd)
    sys.path.insert(0, str(ROOT))
    sys.argv = [setting.name, *setting.flags]
    runpy.run_module(f"autoencode.{setting.name}", run_name="__main__", alter_sys=True)


def done(name: str, *flags: str, cwd: Path, run: Callable[..., Result] = command) -> str:
    """What a command said that ended well, and without chatter."""
    result = run(name, *flags, cwd=cwd)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert "tensorflow" not in result.stderr.lower()
    return result.stdout


def refused(result: Result, said: str) -> None:
    """It ended with one line (the progress bar apart) that says so, and not 0."""
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    lines = [line for line in re.split(r"[\r\n]+", result.stderr.strip()) if line.startswith("autoencode: ")]
    assert len(lines) == 1
    assert said in lines[0]
