"""Extracts every frame of a film: `python -m autoencode.frames --film=bladerunner.mkv`."""

from pathlib import Path

from absl import flags

from autoencode import command
from autoencode.config import parse_size
from autoencode.extract import extract

_FILM = flags.DEFINE_string(
    "film", None, "The film: any file with a picture that ffmpeg decodes.", required=True
)
_SIZE = flags.DEFINE_string("size", "256x144", "Width x height of the frames, multiples of 16.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the datasets.")


def main() -> None:
    """Extracts, and says where the frames are."""
    dataset = extract(Path(_FILM.value).expanduser(), parse_size(_SIZE.value), Path(_DATA_DIR.value))
    print(f"{dataset.frames:,} frames of {_SIZE.value}: {dataset.folder}")


if __name__ == "__main__":
    command.run(main)
