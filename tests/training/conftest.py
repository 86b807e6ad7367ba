"""Graphs are run as they were drawn: to optimise one takes longer than the few steps that are run of it.

With optimised graphs trains the real command, in test_end_to_end.py and test_stopped.py.
"""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _as_drawn():
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
