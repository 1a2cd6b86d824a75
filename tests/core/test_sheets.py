"""CSV files are read by spreadsheets, which run what looks like a formula."""

import csv

import pytest

from poseflow.core.sheets import neutral_cell, write_csv


@pytest.mark.parametrize("name", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_a_name_that_looks_like_a_formula_is_text(name, tmp_path):
    assert neutral_cell(name) == f"'{name}"
    write_csv(("name", name), [(name, 1)], tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["name", f"'{name}"], [f"'{name}", "1"]]


@pytest.mark.parametrize("value", ["-0.5", "+1e-3", -3, 2.5, "male", "a=b", "", "-inf", None])
def test_numbers_and_plain_names_stay(value):
    assert neutral_cell(value) == value
