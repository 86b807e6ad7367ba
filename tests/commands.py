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
from collections.abc import Callable
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from autoencode.quiet import quiet

ROOT = Path(__file__).parent.parent

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


def stopped(name: str, *flags: str, cwd: Path, once: Callable[[], bool], everybody: bool = False) -> Result:
    """The same, sent Ctrl-C once something holds; as a terminal does, to `everybody` that it started too."""

    def stop(process: BaseProcess) -> None:
        while not once() and process.is_alive():
            time.sleep(0.02)
        (os.killpg if everybody else os.kill)(process.pid, signal.SIGINT)

    return _forked(name, flags, cwd, meanwhile=stop)


def _forked(
    name: str,
    flags: tuple[str, ...],
    cwd: Path,
    largest_file: int | None = None,
    meanwhile: Callable[[BaseProcess], None] = lambda process: None,
) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, "said"), Path(folder, "complained")]
        process = _forks().Process(target=_become, args=(name, flags, cwd, outputs, largest_file))
        process.start()
        meanwhile(process)
        process.join()
        return Result([name, *flags], process.exitcode, *(path.read_text() for path in outputs))


@cache
def _forks() -> ForkServerContext:
    """What forks processes off one that has loaded TensorFlow and done nothing with it."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tensorflow", "tensorflow_datasets"])
    with quiet():
        multiprocessing.forkserver.ensure_running()
    return forks


def _become(
    name: str, flags: tuple[str, ...], cwd: Path, outputs: list[Path], largest_file: int | None
) -> None:
    """Turns the forked process into the command."""
    os.setsid()
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    os.chdir(cwd)
    sys.path.insert(0, str(ROOT))
    sys.argv = [name, *flags]
    runpy.run_module(f"autoencode.{name}", run_name="__main__", alter_sys=True)


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
