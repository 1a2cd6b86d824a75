"""File systems that lack something."""

import pytest
from shell import run_case

pytestmark = pytest.mark.workflow


def test_a_shard_is_written_where_there_are_no_hard_links(case):
    said = run_case(case("no_hard_links_in_predict")).splitlines()
    assert "rc 0" in said
    assert "0000-of-0001.parquet" in said
