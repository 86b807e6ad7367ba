import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from datasets import make_dataset
from films import number_of, numbered

from autoencode.dataset import catalogue
from autoencode.dataset.builder import FilmFrames, Record, encode, write
from autoencode.dataset.catalogue import dataset_name
from autoencode.dataset.pipeline import frames_in_order
from autoencode.errors import UserError


def test_records_come_back_in_film_order_with_index_and_time(tmp_path):
    dataset = make_dataset(tmp_path, 40)
    batches = list(frames_in_order(dataset, 16).as_numpy_iterator())
    assert [len(batch["frame"]) for batch in batches] == [16, 16, 8]
    frames = np.concatenate([batch["frame"] for batch in batches])
    assert [number_of(frame) for frame in frames] == list(range(40))
    assert np.concatenate([batch["index"] for batch in batches]).tolist() == list(range(40))
    np.testing.assert_allclose(np.concatenate([batch["time"] for batch in batches]), np.arange(40) / 24)


def test_tfds_itself_reads_the_dataset(tmp_path):
    make_dataset(tmp_path, 20, name="film-32x32-00000000")
    some = tfds.load("film_frames/film-32x32-00000000", data_dir=tmp_path, split="train[:25%]")
    assert [int(record["index"]) for record in some] == [0, 1, 2, 3, 4]
    assert {record["frame"].shape for record in some} == {(32, 32, 3)}


def test_a_frame_is_hardly_changed_by_its_encoding():
    ramp = np.linspace(0, 255, 96, dtype=np.uint8)
    frame = np.stack(np.broadcast_arrays(ramp[None, :], ramp[:64, None], 255 - ramp[None, :]), axis=-1)
    import tensorflow as tf

    decoded = tf.io.decode_jpeg(encode(frame)).numpy()
    assert np.abs(decoded.astype(int) - frame).mean() < 2


def test_metadata_say_which_film_it_was(tmp_path):
    dataset = make_dataset(tmp_path, 3)
    stored = json.loads((dataset.folder / "metadata.json").read_text())
    assert dataset.frames == 3
    assert stored["size"] == [32, 32]
    assert stored["sources"][0]["sha256"] == "0" * 64
    assert dataset.sources[0].name == "film.mkv"


def test_a_film_that_breaks_off_leaves_no_dataset(tmp_path):
    def records():
        yield Record(numbered(1, (32, 32))[0], 0, 0.0)
        raise UserError("the film broke")

    builder = FilmFrames(
        name="broken", size=(32, 32), records=records, count=2, stored=dict, data_dir=tmp_path
    )
    with pytest.raises(UserError, match=r"^the film broke$"):
        write(builder)
    assert catalogue.datasets(tmp_path) == []
    assert not list(tmp_path.rglob("*.tfrecord*"))


def test_names_are_plain_and_tell_films_apart():
    assert (
        dataset_name("Blade Runner (Final Cut)", (256, 144), "ab" * 32)
        == "blade_runner_final_cut-256x144-abababab"
    )
    assert dataset_name("../..", (96, 64), "0" * 64) == "film-96x64-00000000"
