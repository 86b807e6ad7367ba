"""Shows a film as the network remembers it: `python -m autoencode.render --film=koyaanisqatsi.mp4`."""

import dataclasses
import glob
import re
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from absl import flags

from autoencode import __version__, command, film_flags, run_flags
from autoencode.errors import UserError
from autoencode.files import check_name, check_room, sha256, typed_path
from autoencode.film.companions import Companions, encoded, subtitles
from autoencode.film.folder import sha256_of, state_of
from autoencode.film.format import (
    CODECS,
    LAYOUTS,
    Format,
    default_height,
    fitting_height,
    hardware_codec,
)
from autoencode.film.reading import Reading, describe, find_film, look_at
from autoencode.film.timeline import Timeline, clock
from autoencode.film.writer import FilmWriter
from autoencode.progress import duration
from autoencode.quiet import quiet
from autoencode.resequence import contact_sheet, resequence
from autoencode.run import Run
from autoencode.summary import is_made, replaces, summary_of, write_summary

flags.adopt_module_key_flags(film_flags)
flags.adopt_module_key_flags(run_flags)
_FILM = flags.DEFINE_string("film", None, "The film to show, of any size and rate.", required=True)
_NOISE = flags.DEFINE_float("noise", 0.0, "Standard deviation of the latent noise.", 0.0)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of that noise.", 0)
_LAYOUT = flags.DEFINE_enum(
    "layout",
    "single",
    [*LAYOUTS],
    "The memory alone; with the source at its left, or above it; or a moving border between the two.",
)
_TITLES = flags.DEFINE_string(
    "titles", None, "Words on the memory; where the source is seen too, on it and, behind a |, on the memory."
)
_HEIGHT = flags.DEFINE_integer(
    "height", None, "Rows of the memory, even; a multiple of the frames' if left out.", 2
)
_SIZE = flags.DEFINE_string(
    "size", None, "Width x height of the film, black around the picture; instead of --height."
)
_CODEC = flags.DEFINE_enum(
    "codec",
    "h264",
    ["h264", "hevc", "prores", "ffv1", "hardware"],
    "Of the film; hardware: H.264 by the graphics card, if it can.",
)
# At 0, H.264 is without loss, in a profile that browsers and QuickTime do not play.
_CRF = flags.DEFINE_integer("crf", 18, "Quality of h264 and hevc: 1 is best, 51 is worst.", 1, 51)
_AUDIO = flags.DEFINE_enum(
    "audio", "all", ["all", "first", "none"], "Which of the source's sound tracks come along."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "The film to write (.mp4, .mov, .mkv), or a folder of PNGs (ends in /); by default in the run's folder.",
)
_SHEET = flags.DEFINE_string(
    "contact_sheet", None, "A PNG to write: 12 moments, source above reconstruction."
)


def main() -> None:
    """Checks all that can be checked without TensorFlow, then renders."""
    command.once(_FILM)
    command.finite(_NOISE)
    path = typed_path("film", _FILM.value)
    run = run_flags.find_run()
    size, codec, output = run.config.size, _codec(), _typed(_OUTPUT)
    titles = tuple(_TITLES.value.split("|")) if _TITLES.value else ()
    canvas, height = _canvas(size)
    reading = film_flags.reading()
    film, whole, timeline = find_film(path, reading)
    delay = timeline.begin - reading.start
    state = _state(film.path)
    source_hash = sha256_of(film.path) if run.films else ""
    weights = run_flags.choose_weights(run, [source_hash])
    writer = FilmWriter(
        run.folder / _default_name(film.path.stem, codec) if _OUTPUT.value is None else output,
        Format(size, timeline.rate, height, _LAYOUT.value, codec, _CRF.value, canvas, titles),
        Companions(
            *(film, reading.start, reading.duration, delay, _AUDIO.value),
            timeline.stretches,
            timeline.sound_edited,
        ),
        made_of=_made_of(state, reading, run, weights),
    )
    sheet = _typed(_SHEET)
    if sheet and (sheet.suffix != ".png" or not sheet.parent.is_dir() or sheet.is_dir()):
        raise UserError(f"--contact_sheet={sheet}: must end in .png and lie in a folder that exists")
    if sheet:
        check_name(sheet, "shorten --contact_sheet")
        check_room(sheet.parent, 0, "", "choose another --contact_sheet")
    if made := is_made(writer, timeline.damage):
        print(f"{writer.path}: is there already, made of the same; to have it made anew, delete it")
        timeline.damage.say()
        writer.clear()
        if not sheet:
            return
    if not made and replaces(writer) and not writer.begun:
        print(f"{writer.path}: takes the place of what was rendered there before", flush=True)
    print(f"run {run.name}, {weights.parent.name}/{weights.name}", flush=True)
    if not run_flags.learned(run, [source_hash]):
        print(run_flags.which_encoder(run, weights, film.path.name), flush=True)
    if codec != "png":
        _say_companions(writer)
    with quiet(), ThreadPoolExecutor() as pool:
        looking = pool.submit(look_at, film, whole, reading)  # quicker than what is imported meanwhile
        from autoencode.reconstruct import Reconstructor
    film = looking.result()
    if treated := describe(film):
        print(f"{film.path.name}: {treated}", flush=True)
    # Before they are loaded: a training that goes on may take them away after.
    weights_hash = next(map(sha256, weights.parent.glob(f"{glob.escape(weights.name)}.data*")), None)
    reconstructor = Reconstructor(run, weights, noise=_NOISE.value, seed=_SEED.value)
    if not made:
        model = {
            "command": shlex.join(["python", "-m", "autoencode.render", *sys.argv[1:]]),
            "run": run.name,
            "run_folder": str(run.folder.resolve()),
            "weights": f"{weights.parent.name}/{weights.name}",
            "weights_sha256": weights_hash,
            "encoder": "other" if run.is_second(weights) else "own",
            "noise": _NOISE.value,
            "seed": _SEED.value,
        }

        def summarise() -> None:
            if _state(film.path) != state:
                timeline.damage.note("was changed or taken away while it was read")
            write_summary(film, source_hash or sha256_of(film.path), timeline, reading, writer, model)

        writer.before = lambda: replaces(writer)  # somebody may have put another there meanwhile
        writer.then = summarise
        resequence(film, timeline, size, reconstructor, writer)
        _say(timeline)
        print(writer.path, summary_of(writer.path), sep="\n")
    if sheet:
        contact_sheet(film, timeline, size, reconstructor, sheet)
        print(sheet)


def _say(timeline: Timeline) -> None:
    """What became of the film's pictures."""
    timeline.damage.say()
    pace = "" if timeline.constant else f", brought from a varying to {float(timeline.rate):.5g} a second"
    counts = f"{timeline.repeated:,} of them repeated, {timeline.dropped:,} dropped"
    counts += f", {timeline.lost:,} lost" if timeline.lost else ""
    print(f"{timeline.count:,} frames in, {timeline.frames_out:,} out, {counts}{pace}")
    print(f"{duration(timeline.frames_out / timeline.rate)} from {clock(timeline.begin)} on")


def _say_companions(writer: FilmWriter) -> None:
    """What of the source does not come along as it is."""
    film, suffix = writer.source.film, writer.path.suffix.lower()
    if anew := encoded(writer.source, suffix):
        print(f"{film.path.name}: its sound ({', '.join(anew)}) is encoded anew, to AAC", flush=True)
    if left_out := subtitles(film, suffix).count(None):
        print(
            f"{film.path.name}: {left_out} of its subtitles left out, which only Matroska might take",
            flush=True,
        )


def _made_of(state: str, reading: Reading, run: Run, weights: Path) -> str:
    """All that decides the frames: parts of a film that was made of the same are taken up again."""
    states = [state, _state(weights.with_name(f"{weights.name}.index"))]
    part = dataclasses.replace(reading, allow_damaged=False)  # where nothing is missing it changes nothing
    return repr((__version__, states, part, run.name, _NOISE.value, _SEED.value))


def _state(path: Path) -> str:
    """Which file it is, and whether it is still as it was."""
    return f"{path.resolve()} {state_of(path) if path.exists() else None}"


def _typed(flag: flags.FlagHolder) -> Path | None:
    return None if flag.value is None else typed_path(flag.name, flag.value)


def _codec() -> str:
    """The codec that was asked for, or what stands in for hardware that is not there."""
    if (_OUTPUT.value or "").endswith("/"):
        if _CODEC.present or _CRF.present:
            raise UserError(f"--output={_OUTPUT.value}: PNGs have no --codec and no --crf; leave them out")
        return "png"
    if _CRF.present and _CODEC.value in ("prores", "ffv1"):
        raise UserError(f"--codec={_CODEC.value}: has no --crf; leave it out")
    if _CODEC.value != "hardware":
        return _CODEC.value
    if codec := hardware_codec():
        return codec
    print("no hardware encodes here: libx264 does it instead", flush=True)
    return "h264"


def _canvas(size: tuple[int, int]) -> tuple[tuple[int, int] | None, int]:
    """(width, height) of the film if it was asked for, and the rows of the memory in it."""
    if _SIZE.value is None:
        height = _HEIGHT.value or default_height(size)
        if height % 2:
            raise UserError(f"--height={height}: films need an even number of rows")
        return None, height
    if _HEIGHT.value:
        raise UserError("--size and --height: choose one of them")
    if not re.fullmatch(r"\d*[02468]x\d*[02468]", _SIZE.value):
        raise UserError(f"--size={_SIZE.value}: write width x height, both even, as in --size=1920x1080")
    width, height = map(int, _SIZE.value.split("x"))
    rows = fitting_height(size, _LAYOUT.value, (width, height))
    if not rows:
        raise UserError(f"--size={_SIZE.value}: too small for a picture")
    return (width, height), rows


def _default_name(stem: str, codec: str) -> str:
    """The film's name and what was typed that changes the new one: no rendering overwrites another kind.

    Without the characters that Windows, and with it many a network drive, refuses.
    """
    picture = (*run_flags.WEIGHTS, _NOISE, _SEED, _LAYOUT, _TITLES, _HEIGHT, _SIZE)
    typed = (*picture, _CODEC, _CRF, _AUDIO, *film_flags.PART)
    changes = [f"-{flag.name}={flag.value}" for flag in typed if flag.value != flag.default]
    name = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", stem + "".join(changes))
    return f"{name}{CODECS[codec].suffixes[0]}"


if __name__ == "__main__":
    command.run(main)
