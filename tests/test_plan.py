from pathlib import Path

import pytest
from datasets import fake_dataset

from autoencode.config import make_config
from autoencode.errors import UserError
from autoencode.plan import make_plan
from autoencode.run import Run, find_trained_run, read_run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def dataset(name="film-96x64-00000000", size=(96, 64), frames=100):
    return fake_dataset(Path("data"), name, size, frames)


def begun(name, *, epoch, told=None, preset="paper-small", **fields):
    """A run that has trained for `epoch` of its epochs: 100 frames in batches of 64 are 2 steps an epoch."""
    config = make_config(preset, **{"size": (96, 64), "precision": "float32", **fields})
    run = Run(Path("experiments/runs") / name, config, preset, "film-96x64-00000000", 100, "id")
    run.checkpoints.mkdir(parents=True)
    run.write()
    (run.checkpoints / f"step-{int(2 * epoch)}.index").touch()
    run.write_status("interrupted", int(2 * epoch), told or config.epochs)
    return run


def plan(run=None, preset=None, dataset=None, begin_from=None, keep=False, **fields):
    return make_plan(
        dataset=dataset,
        data_dir=Path("data"),
        preset=preset,
        run=run,
        fields=fields,
        begin_from=begin_from,
        keep_linear_path=keep,
    )


def test_the_size_of_the_dataset_decides_the_preset():
    dataset()
    assert plan().run.preset == "paper-small"
    assert plan().run.config.batch_size == 64


def test_a_preset_takes_the_size_of_the_dataset():
    dataset("film-128x80-00000000", (128, 80))
    assert plan(preset="tiny").run.config.size == (128, 80)
    assert plan().run.preset == "paper"
    assert plan().run.config.size == (128, 80)


def test_the_newest_unfinished_run_goes_on():
    dataset()
    begun("finished", epoch=6.0)
    begun("unfinished", epoch=2.5)
    chosen = plan()
    assert (chosen.run.name, chosen.resumes, chosen.epochs) == ("unfinished", True, 6)


def test_more_epochs_go_on_with_a_finished_run():
    dataset()
    begun("finished", epoch=6.0)
    chosen = plan(epochs=26)
    assert (chosen.run.name, chosen.epochs, chosen.run.config.epochs) == ("finished", 26, 6)


def test_a_run_goes_as_far_as_it_was_last_told():
    dataset()
    begun("long", epoch=10.0, told=26)
    assert (plan().run.name, plan().epochs) == ("long", 26)
    assert plan("long").epochs == 26
    assert not plan("long").finished
    begun("longer", epoch=3.0, epochs=26)
    assert (plan().run.name, plan().epochs) == ("longer", 26)


def test_fewer_epochs_than_a_run_was_begun_for_are_another_training():
    """Its noise and rates would stop where they are still high; who wants that names the run."""
    dataset()
    begun("six", epoch=1.0)
    assert not plan(epochs=2).resumes
    assert (plan("six", epochs=2).resumes, plan("six", epochs=2).epochs) == (True, 2)


def test_a_status_that_cannot_be_read_forgets_only_the_target():
    dataset()
    run = begun("long", epoch=10.0, told=26)
    for text in ("", "{}", "[]", '{"epochs": null}', "{"):
        (run.folder / "status.json").write_text(text)
        assert plan("long").finished


def test_a_mistyped_run_is_answered_with_those_that_were_trained():
    begun("six", epoch=1.0)
    begun("none", epoch=0.0)
    with pytest.raises(UserError, match=r"sic: no run there; --run may be six$"):
        find_trained_run("sic")


def test_files_that_are_no_checkpoints_are_passed_over():
    dataset()
    run = begun("demo", epoch=2.0)
    (run.checkpoints / "step-old.index").touch()
    assert [path.name for path in run.states()] == ["step-4"]


def test_the_command_to_go_on_finds_the_same_run(tmp_path):
    dataset()
    assert plan("demo").command == "python -m autoencode.train --run=demo --epochs=6"
    chosen = plan(str(tmp_path / "my run"))
    assert chosen.command == f"python -m autoencode.train '--run={tmp_path}/my run' --epochs=6"
    Path("data").rename("other data")
    chosen = make_plan(dataset=None, data_dir=Path("other data"), preset=None, run="demo", fields={})
    assert chosen.command.endswith("'--data_dir=other data'")


def test_a_run_of_other_frames_does_not_go_on():
    dataset(frames=101)
    begun("demo", epoch=1.0)
    with pytest.raises(UserError, match="begun on 100 frames"):
        plan("demo")
    assert not plan().resumes


def test_another_config_is_another_run():
    dataset()
    begun("film-96x64-paper-small-1", epoch=2.5)
    chosen = plan(width=16)
    assert not chosen.resumes
    assert chosen.run.name == "film-96x64-paper-small-2"


def test_a_finished_run_is_left_alone():
    dataset()
    begun("done", epoch=6.0)
    assert plan("done").finished
    assert not plan("done", epochs=7).finished
    assert plan().run.name != "done"


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"width": 8}, "--width=8: run demo was begun with 80"),
        ({"precision": "mixed_bfloat16"}, "--precision"),
        ({"seed": 1}, "--seed=1"),
        ({"size": (32, 32)}, "--size=32x32: run demo was begun with 96x64"),
        ({"preset": "tiny"}, "--preset=tiny: run demo was begun with paper-small"),
        ({"dataset": "other"}, "--dataset=other"),
    ],
)
def test_a_flag_that_contradicts_the_run_is_named(typed, named):
    dataset()
    begun("demo", epoch=1.0)
    with pytest.raises(UserError, match=named):
        plan("demo", **typed)


def test_flags_that_agree_with_the_run_are_welcome():
    dataset()
    begun("demo", epoch=1.0)
    assert plan("demo", width=80, precision="auto", dataset="film-96x64", preset="paper-small").resumes


def test_a_run_may_be_a_path(tmp_path):
    dataset()
    assert plan("elsewhere/run").run.folder == Path("elsewhere/run")
    assert plan(str(tmp_path / "x")).run.folder == tmp_path / "x"


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"preset": "papr"}, "--preset=papr: choose one of paper, paper-small, demo, tiny"),
        ({"run": ""}, "--run="),
        ({"run": ".."}, r"--run=\.\."),
        ({"epochs": 0}, "--epochs=0: must be at least 1"),
        ({"noise_start": float("nan")}, "--noise_start=nan"),
        ({"seed": -1}, "--seed=-1"),
        ({"dataset": "nosuch"}, "--dataset=nosuch: .*there is film-96x64-00000000"),
        ({"size": (32, 32)}, "--size=32x32: dataset film-96x64-00000000 holds frames of 96x64"),
    ],
)
def test_what_does_not_exist_is_refused(typed, named):
    dataset()
    with pytest.raises(UserError, match=named):
        plan(**typed)


def test_without_a_dataset_the_way_to_one_is_told():
    with pytest.raises(UserError, match=r"/data/: make one with `python -m autoencode\.frames --film=FILM`$"):
        plan()


def test_an_ambiguous_beginning_names_the_candidates():
    dataset("a_film-96x64-00000000")
    dataset("a_film-96x64-11111111")
    with pytest.raises(UserError, match=r"fits several: .*(00000000|11111111)"):
        plan(dataset="a_film")


def test_a_damaged_dataset_does_not_stand_in_the_way_of_the_others():
    dataset()
    (dataset("damaged-96x64-00000000") / "metadata.json").write_text("{")
    assert plan().dataset.name == "film-96x64-00000000"


@pytest.mark.parametrize("text", ["{", "[]", '{"config": {"size": 5}}', '{"config": {"size": "33x32"}}'])
def test_a_damaged_config_is_named_and_does_not_stand_in_the_way(text):
    dataset()
    run = begun("demo", epoch=1.0)
    (run.folder / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json"):
        read_run(run.folder)
    assert not plan().resumes


def shared(name, **fields):
    """A run of which only the best weights are there."""
    run = begun(name, epoch=1.0, **fields)
    (run.checkpoints / "step-2.index").unlink()
    (run.folder / "best").mkdir()
    (run.folder / "best/0-step-2.index").touch()
    return run


def test_weights_without_a_state_to_go_on_from_are_never_overwritten():
    dataset()
    shared("mine")
    with pytest.raises(UserError, match=r"checkpoints: has no state .* name a new --run, .* --from=mine$"):
        plan("mine")
    assert not plan().resumes


def test_epochs_alone_can_be_rendered_and_begun_with():
    dataset()
    run = begun("mine", epoch=1.0)
    (run.checkpoints / "step-2.index").unlink()
    (run.folder / "epochs").mkdir()
    for epoch in (1, 2):
        run.epoch_path(epoch).with_suffix(".index").touch()
    assert find_trained_run("mine").weights() == run.epoch_path(2)
    with pytest.raises(UserError, match="leave out --last"):
        run.weights(last=True)
    assert plan(begin_from="mine", run="new").run.origin.weights == "epochs/0002"


def test_a_run_without_a_state_begins_with_what_its_origin_has_by_now():
    dataset()
    old = shared("old", preset="demo")
    chosen = plan(begin_from="old", epochs=2)
    chosen.run.folder.mkdir()
    chosen.run.write()
    (old.folder / "best/0-step-2.index").rename(old.folder / "best/1-step-4.index")
    again = plan(chosen.run.name)
    assert (again.resumes, again.run.origin.weights) == (True, "best/1-step-4")
    again.run.write(again=True)
    assert read_run(again.run.folder).origin.weights == "best/1-step-4"


def test_a_run_begins_with_the_networks_of_another():
    dataset()
    shared("old", preset="demo", learning_rate=1e-3, seed=3)
    dataset("other-96x64-11111111")
    chosen = plan(begin_from="old", dataset="other", epochs=2)
    assert chosen.run.name == "other-96x64-demo-1"
    assert (chosen.run.config.learning_rate, chosen.run.config.seed, chosen.epochs) == (1e-3, 3, 2)
    chosen.run.folder.mkdir()
    chosen.run.write()
    read = read_run(chosen.run.folder)
    assert (read.origin.weights, read.origin.discriminator) == ("best/0-step-2", None)
    assert plan(begin_from="old", dataset="other", epochs=2).resumes
    assert not plan(begin_from="old", dataset="other", epochs=2, keep=True).resumes
    assert not plan(preset="demo", dataset="other", learning_rate=1e-3, seed=3).resumes
    changed = plan(begin_from="old", dataset="other", recipe="published", preset="paper").run
    assert (changed.preset, changed.config.learning_rate, changed.config.width) == ("paper", 2e-4, 24)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"begin_from": "old", "dataset": "large"}, "large-128x80-00000000 holds frames of 128x80, run old"),
        ({"begin_from": "old", "width": 9}, "--width=9: run old, whose networks are to be taken, has 24"),
        ({"begin_from": "old", "run": "begun"}, "--from=old: run begun began otherwise"),
        ({"begin_from": "nosuch"}, "nosuch: no run there"),
        ({"keep": True}, "--keep_linear_path: goes with --from"),
    ],
)
def test_networks_that_cannot_be_begun_with_are_refused(typed, named):
    dataset()
    dataset("large-128x80-00000000", (128, 80))
    shared("old", preset="demo")
    begun("begun", epoch=1.0, preset="demo")
    with pytest.raises(UserError, match=named):
        plan(**{"dataset": "film", **typed})


def test_a_run_is_finished_when_its_second_encoder_is():
    dataset()
    run = begun("done", epoch=6.0, preset="demo", batch_size=64)
    assert not plan("done").finished
    run.second_path().parent.mkdir()
    run.second_path().with_suffix(".index").touch()
    assert plan("done").finished
    assert not plan("done", epochs=7).finished


def test_a_second_encoder_may_be_added_but_not_be_another():
    dataset()
    run = begun("done", epoch=6.0, preset="demo", batch_size=64, second_epochs=0)
    assert plan("done").finished
    added = plan("done", second_epochs=3)
    assert not added.finished
    assert added.run.config.second_epochs == 3
    run.second_path().parent.mkdir()
    run.second_path(step=2).with_suffix(".index").touch()
    with pytest.raises(UserError, match=r"--second_epochs=3: .* of run done learns for 0;"):
        plan("done", second_epochs=3)


def test_a_run_that_was_begun_before_there_was_a_second_encoder_goes_on():
    dataset()
    old = begun("old", epoch=2.5, preset="demo", second_epochs=0)
    assert plan(preset="demo").run.folder == old.folder
    assert plan(preset="demo").run.config.second_epochs == 0
    assert plan(preset="demo", second_epochs=4).run.folder != old.folder


def test_a_second_encoder_needs_networks_without_batch_statistics():
    dataset()
    begun("published", epoch=6.0)
    with pytest.raises(UserError, match="--second_epochs: needs --normalization=rms"):
        plan("published", second_epochs=4)
