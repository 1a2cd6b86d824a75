"""A recording whose claims are followed."""

import pytest
from corrected_cage import Cage


@pytest.fixture
def cage(tmp_path):
    return Cage(tmp_path)
