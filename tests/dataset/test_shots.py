import numpy as np

from autoencode.dataset.shots import find_shots


def scene(colour, frames, seed):
    """A textured picture that stirs a little."""
    draws = np.random.default_rng(seed)
    picture = np.clip(np.array(colour) + draws.integers(-40, 40, (64, 96, 3)), 0, 255)
    return [np.clip(picture + draws.integers(-2, 3, picture.shape), 0, 255).astype(np.uint8)] * frames


def test_shots_lie_between_the_cuts():
    film = scene((200, 60, 60), 30, 1) + scene((40, 60, 200), 24, 2) + scene((60, 180, 60), 41, 3)
    assert find_shots(iter(film)) == [range(30), range(30, 54), range(54, 95)]


def test_a_film_without_a_cut_is_one_shot():
    assert find_shots(scene((90, 90, 90), 3, 1)) == [range(3)]
    assert find_shots([]) == []
