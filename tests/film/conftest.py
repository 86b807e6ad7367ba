"""For films that grow in parts."""

import pytest

from autoencode.film import writer


@pytest.fixture
def short_parts(monkeypatch):
    """Parts of 16 frames."""
    monkeypatch.setattr(writer, "PART", (16, 16))
