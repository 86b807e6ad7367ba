from itertools import pairwise

import numpy as np
import pytest
from datasets import make_dataset
from films import number_of

from autoencode.dataset.pipeline import sample_frames, training_batches

FRAMES = 64


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data"), FRAMES)


def order(dataset, **arguments):
    """The numbers of the frames, batch by batch."""
    given = {"batch_size": 6, "seed": 0, "epoch": 0, **arguments}
    batches = training_batches(dataset, **given).as_numpy_iterator()
    return [[number_of(frame) for frame in batch] for batch in batches]


def test_an_epoch_has_every_frame_and_whole_batches(dataset):
    batches = order(dataset)
    assert [len(batch) for batch in batches] == [6] * 11
    assert {number for batch in batches for number in batch} == set(range(FRAMES))


def test_the_last_batch_is_filled_up_from_the_beginning(dataset):
    batches = order(dataset)
    assert batches[-1][4:] == batches[0][:2]


def test_seed_and_epoch_decide_the_order(dataset):
    assert order(dataset) == order(dataset)
    assert order(dataset) != order(dataset, epoch=1)
    assert order(dataset) != order(dataset, seed=1)


def test_a_resumed_epoch_goes_on_where_it_stopped(dataset):
    assert order(dataset, skip=7) == order(dataset)[7:]


def test_the_whole_film_is_mixed(tmp_path):
    """A batch's frames lie as far apart as if drawn blindly: a third of the film on average."""
    dataset = make_dataset(tmp_path, 72)
    gaps = [abs(a - b) for batch in order(dataset, batch_size=8) for a, b in pairwise(batch)]
    assert np.mean(gaps) == pytest.approx(72 / 3, rel=0.3)


def test_a_film_shorter_than_a_batch_is_a_batch(tmp_path):
    dataset = make_dataset(tmp_path, 2)
    (batch,) = order(dataset, batch_size=5)
    assert sorted(batch) in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])


def test_sample_frames_are_spread_evenly(dataset):
    assert [number_of(frame) for frame in sample_frames(dataset, 4)] == [8, 24, 40, 56]
    assert len(sample_frames(dataset, 1000)) == FRAMES
