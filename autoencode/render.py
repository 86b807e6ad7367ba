"""Shows a film as the network remembers it: `python -m autoencode.render --film=koyaanisqatsi.mp4`."""

from pathlib import Path

from absl import flags

from autoencode import __version__, command, film_flags
from autoencode.errors import UserError
from autoencode.film.encode import default_height
from autoencode.film.join import Sound
from autoencode.film.probe import FilmInfo
from autoencode.film.reading import Reading, describe, open_film
from autoencode.film.writer import FilmWriter
from autoencode.progress import duration
from autoencode.quiet import quiet
from autoencode.resequence import contact_sheet, resequence
from autoencode.run import Run, find_trained_run

_FILM = flags.DEFINE_string("film", None, "The film to show, of any size and rate.", required=True)
_RUN = flags.DEFINE_string(
    "run", None, "Name under experiments/runs/, or a path; the newest that was trained."
)
_EPOCH = flags.DEFINE_integer(
    "epoch", None, "As the networks were after this epoch; when they were best if left out.", 1
)
_LAST = flags.DEFINE_boolean("last", False, "As they are now, be they the best or not.")
_NOISE = flags.DEFINE_float("noise", 0.0, "Standard deviation of the latent noise.", 0.0)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of that noise.", 0)
_LAYOUT = flags.DEFINE_enum(
    "layout", "single", ["single", "side_by_side"], "With the source at the left, or not."
)
_HEIGHT = flags.DEFINE_integer(
    "height", None, "Rows of the film, even; a multiple of the frames' if left out.", 2
)
_CRF = flags.DEFINE_integer("crf", 18, "H.264's quality: 0 is best, 51 is worst.", 0, 51)
_OUTPUT = flags.DEFINE_string(
    "output", None, "The film to write (.mp4, .mov, .mkv); <run>/<film>.mp4 if left out."
)
_SHEET = flags.DEFINE_string(
    "contact_sheet", None, "A PNG to write: 12 moments, source above reconstruction."
)


def main() -> None:
    """Checks all that can be checked without TensorFlow, then renders."""
    command.finite(_NOISE)
    run = find_trained_run(_RUN.value)
    weights = run.weights(_EPOCH.value, _LAST.value)
    size = run.config.size
    height = _HEIGHT.value or default_height(size)
    if height % 2:
        raise UserError(f"--height={height}: H.264 needs an even number of rows")
    reading = film_flags.reading()
    film, timeline = open_film(Path(_FILM.value).expanduser(), reading)
    view_size = (
        (2 * round(height * size[0] / size[1] / 2), height) if _LAYOUT.value == "side_by_side" else None
    )
    delay = timeline.times[0] - reading.start
    writer = FilmWriter(
        Path(_OUTPUT.value) if _OUTPUT.value else run.folder / _default_name(film.path.stem),
        size,
        timeline.rate,
        height=height,
        layout=_LAYOUT.value,
        view_size=view_size,
        crf=_CRF.value,
        sound=Sound(film, reading.start, reading.duration, delay) if film.audio else None,
        made_of=_made_of(film, reading, run, weights),
    )
    sheet = Path(_SHEET.value) if _SHEET.value else None
    if sheet and (sheet.suffix != ".png" or not sheet.parent.is_dir()):
        raise UserError(f"--contact_sheet={sheet}: must end in .png and lie in a folder that exists")
    print(f"run {run.name}, {weights.parent.name}/{weights.name}", flush=True)
    if treated := describe(film):
        print(f"{film.path.name}: {treated}", flush=True)
    with quiet():
        from autoencode.reconstruct import Reconstructor
    reconstructor = Reconstructor(run, weights, noise=_NOISE.value, seed=_SEED.value)
    resequence(film, timeline, size, reconstructor, writer, view_size)
    if sheet:
        contact_sheet(film, timeline, size, reconstructor, sheet)
    pace = (
        "" if timeline.constant else f", brought from a varying to {float(timeline.rate):.5g} frames a second"
    )
    print(f"{timeline.count:,} frames in, {timeline.frames_out:,} out{pace}, {duration(timeline.duration)}")
    print(*filter(None, (writer.path, sheet)), sep="\n")


def _made_of(film: FilmInfo, reading: Reading, run: Run, weights: Path) -> str:
    """All that decides the frames: parts of a film that was made of the same are taken up again."""
    files = [film.path.resolve(), weights.with_name(f"{weights.name}.index").resolve()]
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return repr((__version__, stats, reading, run.name, _NOISE.value, _SEED.value))


def _default_name(stem: str) -> str:
    """The film's name and what was typed that changes the picture: no rendering overwrites another kind."""
    typed = (_EPOCH, _LAST, _NOISE, _LAYOUT, *film_flags.TYPED)
    changes = [f"-{flag.name}={flag.value}" for flag in typed if flag.value != flag.default]
    return f"{stem}{''.join(changes)}.mp4"


if __name__ == "__main__":
    command.run(main)
