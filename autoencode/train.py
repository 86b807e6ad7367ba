"""Trains the three networks on a film's frames: `python -m autoencode.train --epochs=6`.

The fields of the Config (see autoencode/config.py) are flags too; what is left out is the preset's.
"""

import dataclasses
from typing import Any

from absl import flags

from autoencode import command
from autoencode.config import Config
from autoencode.dataset.catalogue import datasets
from autoencode.files import check_room, typed_path
from autoencode.frame_size import parse_size
from autoencode.plan import make_plan
from autoencode.quiet import quiet

_DATASET = flags.DEFINE_string("dataset", None, "Name of the dataset; the newest if left out.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder of the datasets.")
_PRESET = flags.DEFINE_string(
    "preset", None, "paper, paper-small, demo or tiny; by the frames' size if left out."
)
_RUN = flags.DEFINE_string(
    "run", None, "Name under experiments/runs/, or a path; the newest unfinished, or a new one."
)
_FROM = flags.DEFINE_string(
    "from",
    None,
    "Name or path of a run: a new one begins with its best encoder and decoder and its newest discriminator,"
    " on any frames of their size.",
)
_KEEP_LINEAR_PATH = flags.DEFINE_boolean(
    "keep_linear_path", False, "With --from: the linear path stays that run's, and is not the new film's."
)
_DRY_RUN = flags.DEFINE_boolean("dry_run", False, "Say what would be done, and stop.")
_PICTURES = flags.DEFINE_integer("pictures_every", 500, "Steps between two pictures in samples/.", 1)


def _define_config_flags() -> None:
    """Every field of the Config is a flag of its own name; None means that nobody typed it."""
    define = {bool: flags.DEFINE_boolean, int: flags.DEFINE_integer, float: flags.DEFINE_float}
    for field in dataclasses.fields(Config):
        doc, choices = field.metadata["doc"], field.metadata["choices"]
        if choices:
            flags.DEFINE_enum(field.name, None, choices, doc)
        else:
            define.get(type(field.default), flags.DEFINE_string)(field.name, None, doc)


def _typed_fields() -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(Config)]
    typed = {name: flags.FLAGS[name].value for name in names if flags.FLAGS[name].value is not None}
    if "size" in typed:
        typed["size"] = parse_size(typed["size"])
    return typed


def main() -> None:
    """Settles what to train, then trains it."""
    plan = make_plan(
        dataset=_DATASET.value,
        data_dir=typed_path("data_dir", _DATA_DIR.value),
        preset=_PRESET.value,
        run=_RUN.value,
        fields=_typed_fields(),
        begin_from=_FROM.value,
        keep_linear_path=_KEEP_LINEAR_PATH.value,
    )
    if plan.finished:
        done = f"is trained to epoch {plan.run.epochs_done:g} already"
        print(f"run {plan.run.name} {done}; a larger --epochs adds more")
        return
    check_room(plan.run.folder, 0, "", "choose another --run path")
    known = len(datasets(plan.data_dir))
    if _DATASET.value is None and not plan.resumes and known > 1:  # said at once: it may not be the one meant
        print(f"of {known} datasets the one that `frames` was last told: {plan.dataset.name}", flush=True)
    with quiet():
        from autoencode.training.loop import Rhythm, train
    rhythm = Rhythm(pictures=_PICTURES.value)
    train(plan, rhythm, dry_run=_DRY_RUN.value)


if __name__ == "__main__":
    _define_config_flags()
    command.run(main)
