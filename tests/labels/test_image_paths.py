"""Where the images lie that a label file names."""

from pathlib import Path, PurePosixPath

import pytest

from poseflow.labels.image_paths import place_images

UPLOADS = [PurePosixPath("data/upload/1", name) for name in ("0a1b2c3d-img1.png", "99ffee00-img2.png")]


def lay_out(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder / "labels.json"


@pytest.mark.parametrize("place", [".", "images", "labeled-data/day1"])
def test_images_that_were_uploaded_are_those_of_their_former_names(tmp_path: Path, place: str) -> None:
    labels = lay_out(tmp_path, f"{place}/img1.png", f"{place}/img2.png")
    assert place_images(UPLOADS, labels) == [tmp_path / place / "img1.png", tmp_path / place / "img2.png"]


def test_the_uploaded_files_come_first(tmp_path: Path) -> None:
    labels = lay_out(tmp_path, "images/img1.png", "images/img2.png", *map(str, UPLOADS))
    assert place_images(UPLOADS, labels) == [tmp_path / path for path in UPLOADS]


def test_where_two_images_had_one_name_they_are_not_taken_for_one(tmp_path: Path) -> None:
    labels = lay_out(tmp_path, "images/img1.png")
    twins = [PurePosixPath("data/upload", name) for name in ("0a1b2c3d-img1.png", "99ffee00-img1.png")]
    assert place_images(twins, labels) == [tmp_path / path for path in twins]
