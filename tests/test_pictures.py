import numpy as np

from autoencode.pictures import grid, pairs


def test_a_grid_is_read_like_a_page_and_filled_up_with_black():
    frames = np.stack([np.full((2, 3, 3), value, np.uint8) for value in (1, 2, 3)])
    page = grid(frames, columns=2)
    assert page.shape == (4, 6, 3)
    assert page[::2, ::3, 0].tolist() == [[1, 2], [3, 0]]


def test_pairs_stand_one_above_the_other():
    above, below = np.full((2, 2, 2, 3), 7, np.uint8), np.full((2, 2, 2, 3), 9, np.uint8)
    assert pairs(above, below, 6)[:, 0, 0].tolist() == [7, 7, 9, 9]
