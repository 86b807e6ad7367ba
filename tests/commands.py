"""Runs the commands as a user does."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def command(
    name: str, *flags: str, cwd: Path, largest_file: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`python -m autoencode.<name> <flags>` in a folder, on a disk that takes no file above so many bytes."""

    def limit() -> None:
        if largest_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    pipe = subprocess.PIPE
    with started(name, *flags, cwd=cwd, output=pipe, preexec_fn=limit, **environment) as process:
        return _ended(process)


def stopped(
    name: str, *flags: str, cwd: Path, once: Callable[[], bool], everybody: bool = False
) -> subprocess.CompletedProcess[str]:
    """The same, sent Ctrl-C once something holds; as a terminal does, to `everybody` that it started too."""
    with started(name, *flags, cwd=cwd, output=subprocess.PIPE, start_new_session=everybody) as process:
        while not once() and process.poll() is None:
            time.sleep(0.02)
        if everybody:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        return _ended(process)


def started(
    name: str,
    *flags: str,
    cwd: Path,
    output: int = subprocess.DEVNULL,
    preexec_fn: Callable[[], None] | None = None,
    start_new_session: bool = False,
    **environment: str,
) -> subprocess.Popen[str]:
    """The same, running."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    words = [sys.executable, "-m", f"autoencode.{name}", *flags]
    return subprocess.Popen(
        words,
        cwd=cwd,
        env=env,
        stdout=output,
        stderr=output,
        text=True,
        preexec_fn=preexec_fn,
        start_new_session=start_new_session,
    )


def _ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    said, complained = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, said, complained)


def done(name: str, *flags: str, cwd: Path) -> str:
    """What a command said that ended well, and without chatter."""
    result = command(name, *flags, cwd=cwd)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert "tensorflow" not in result.stderr.lower()
    return result.stdout


def refused(result: subprocess.CompletedProcess[str], said: str) -> None:
    """It ended with one line (the progress bar apart) that says so, and not 0."""
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    lines = [line for line in re.split(r"[\r\n]+", result.stderr.strip()) if line.startswith("autoencode: ")]
    assert len(lines) == 1
    assert said in lines[0]
