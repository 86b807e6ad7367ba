"""Gets the sample film, *Big Buck Bunny* (Blender Foundation, CC BY 3.0), out of a Python package's source.

moviepy's source distribution carries the whole film: 1280×720, 24 frames a second, 14,315 frames, stereo.
pip fetches it from whatever package index it is set up for. Nothing half done is left behind.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

FILM = Path(__file__).parent / "films" / "big_buck_bunny.mp4"
FILM_SHA256 = "475fbbf34c4c367998f80c29ea03b15a743941179b12da3373fc6706e68621d0"

PACKAGE = "moviepy==2.2.1"
PACKAGE_SHA256 = "c80cb56815ece94e5e3e2d361aa40070eeb30a09d23a24c4e684d03e16deacb1"
ZIP = "docs/_static/medias/getting_started/moviepy_10_minutes/moviepy_10_minutes.zip"
MEMBER = "moviepy_10_minutes/resources/bbb.mp4"


def main() -> None:
    """Leaves the film at `FILM`, verified; at once if it is there."""
    if FILM.exists():
        if _sha256(FILM) == FILM_SHA256:
            return
        sys.exit(f"{FILM}: is not the film it should be; delete it and try again")
    FILM.parent.mkdir(parents=True, exist_ok=True)
    for stale in FILM.parent.glob(".download-*"):
        shutil.rmtree(stale)  # left by a process that was killed
    with tempfile.TemporaryDirectory(dir=FILM.parent, prefix=".download-") as folder:
        package = _download(Path(folder))
        film = _unpack(package, Path(folder))
        film.replace(FILM)
    print(f"{FILM}: Big Buck Bunny, (c) Blender Foundation, CC BY 3.0")


def _download(folder: Path) -> Path:
    # pip itself checks the sum, before it runs anything of the package's.
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--require-hashes"]
    command = [*pip, "--no-deps", "--no-binary=moviepy", f"--dest={folder}", f"--requirement={requirements}"]
    print(f"downloading {PACKAGE} (58 MB), for the film in it", flush=True)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    packages = list(folder.glob("moviepy-*.tar.gz"))
    if done.returncode or not packages:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        sys.exit(f"{PACKAGE}: pip could not download it ({words[-1]}); check the network and try again")
    return packages[0]


def _unpack(package: Path, folder: Path) -> Path:
    film, inner = folder / "film.mp4", folder / "resources.zip"
    with tarfile.open(package) as archive:
        name = next(name for name in archive.getnames() if name.endswith(ZIP))
        with archive.extractfile(name) as source, inner.open("wb") as target:
            shutil.copyfileobj(source, target)
    with zipfile.ZipFile(inner) as archive, archive.open(MEMBER) as source, film.open("wb") as target:
        shutil.copyfileobj(source, target)
    if _sha256(film) != FILM_SHA256:
        sys.exit(f"{MEMBER}: its checksum is wrong; try again")
    return film


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
