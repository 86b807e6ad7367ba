import gc
import sys

import pytest
from tqdm import tqdm

from autoencode.progress import bar, duration


def test_ctrl_c_while_a_bar_is_made_leaves_no_traceback(monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(tqdm, "_get_free_pos", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bar(10, "rendering", "frame")
    gc.collect()
    assert not complaints


def test_durations_have_their_two_largest_units():
    assert duration(90) == "1 min 30 s"
    assert duration(200_000) == "2 days 7 h"
    assert duration(0.2) == "0 s"
