"""Extracts every frame of a film: `python -m autoencode.frames --film=bladerunner.mkv`."""

from absl import flags

from autoencode import command, film_flags
from autoencode.extract import extract, films_in
from autoencode.files import typed_path
from autoencode.frame_size import parse_size

flags.adopt_module_key_flags(film_flags)
_FILM = flags.DEFINE_multi_string(
    "film",
    None,
    "A film, any file with a picture that ffmpeg decodes; a folder of numbered pictures, which are one film;"
    " or a folder of films. Several make one dataset.",
    required=True,
)
_SIZE = flags.DEFINE_string("size", "256x144", "Width x height of the frames, multiples of 16.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the datasets.")
_BLACK = flags.DEFINE_integer("append_black", 0, "So many black frames follow the last film.", 0)


def main() -> None:
    """Extracts, and says where the frames are."""
    paths = [typed_path("film", film) for film in _FILM.value]
    films = [film for path in paths for film in (films_in(path) if path.is_dir() else [path])]
    size, reading = parse_size(_SIZE.value), film_flags.reading()
    dataset = extract(films, size, typed_path("data_dir", _DATA_DIR.value), reading, _BLACK.value)
    print(f"{dataset.frames:,} frames of {_SIZE.value}: {dataset.folder}")


if __name__ == "__main__":
    command.run(main)
