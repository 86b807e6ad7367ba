"""The rooms of the house and the one way through them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "autoencode"
COMMANDS = {"frames", "train", "render", "evaluate"}
HEAVY = {"tensorflow", "keras", "tensorflow_datasets"}

# Each room, and those that it may not know.
FORBIDDEN = {
    "config.py": {"autoencode.film", "autoencode.dataset", "autoencode.networks", "autoencode.training"},
    "metrics.py": {"autoencode.film", "autoencode.dataset", "autoencode.networks", "autoencode.training"},
    "film": {"autoencode.dataset", "autoencode.networks", "autoencode.training", "autoencode.run"},
    "dataset": {"autoencode.networks", "autoencode.training", "autoencode.run"},
    "networks": {"autoencode.film", "autoencode.dataset", "autoencode.training", "autoencode.run"},
    "training": {"autoencode.film", "autoencode.reconstruct"},
}


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def modules(place: str) -> list[Path]:
    path = PACKAGE / place
    return [path] if path.suffix else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("place", FORBIDDEN)
def test_imports_run_one_way(place):
    commands = {f"autoencode.{name}" for name in COMMANDS}
    for path in modules(place):
        for name in imports(path):
            assert not any(
                name == room or name.startswith(room + ".") for room in FORBIDDEN[place] | commands
            ), path


@pytest.mark.parametrize("place", ["film", "config.py", "run.py", "plan.py", "dataset/catalogue.py"])
def test_these_know_no_tensorflow(place):
    for path in modules(place):
        assert not {name.split(".")[0] for name in imports(path)} & HEAVY, path


def test_only_the_commands_read_flags():
    for path in PACKAGE.rglob("*.py"):
        if path.stem not in COMMANDS | {"command", "film_flags", "run_flags"}:
            assert not any(name.startswith("absl") for name in imports(path)), path


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_answers_before_tensorflow_is_loaded(name):
    program = f"import sys, autoencode.{name}; sys.exit(bool({HEAVY!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
