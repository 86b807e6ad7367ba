import numpy as np
import pytest

from autoencode.config import make_config
from autoencode.reconstruct import Reconstructor
from autoencode.run import Run
from autoencode.training.checkpoints import Checkpoints
from autoencode.training.guard import Guard
from autoencode.training.step import Trainer

CONFIG = make_config("tiny", precision="float32", initializer="glorot")  # with 0.02 all would be grey


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path, CONFIG, "tiny", "film", 10, id="")
    run.write()
    Checkpoints(run, Trainer(CONFIG, 10), Guard(CONFIG, schedule_steps=10)).save_epoch(1)
    return run


def test_noise_is_decided_by_seed_and_place(run):
    frames = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    noisy = Reconstructor(run, run.weights(1), noise=2.0, seed=3)
    pictures = noisy(frames)
    np.testing.assert_array_equal(noisy(frames), pictures)
    np.testing.assert_array_equal(noisy(frames[5:], first=5), pictures[5:])
    assert np.any(noisy(frames[5:], first=6) != pictures[5:])
    for other in ({"noise": 2.0, "seed": 4}, {"noise": 0.0}):
        assert np.any(Reconstructor(run, run.weights(1), **other)(frames) != pictures)
