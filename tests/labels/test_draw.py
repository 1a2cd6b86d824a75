"""Fewer frames of a training set."""

from contextlib import closing

import numpy as np
import pytest
from blobs import write_blobs

from poseflow.core.errors import LabelsError
from poseflow.labels import draw_frames, read_package


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_blobs(tmp_path_factory.mktemp("blobs"), "train", 8)


def drawn(package, count, seed, folder):
    out = folder / f"{count}_{seed}.pkg.slp"
    draw_frames(package, count, seed, out)
    with closing(read_package(out)) as part:
        return {(frame.video, frame.frame_idx): (frame, part.image(i)) for i, frame in enumerate(part.frames)}


@pytest.mark.slow
def test_fewer_frames_are_some_of_the_more_as_they_were(package, tmp_path):
    with closing(read_package(package)) as whole:
        known = {(frame.video, frame.frame_idx): (frame, whole.image(i)) for i, frame in enumerate(whole.frames)}
    three, five = (drawn(package, count, 1, tmp_path) for count in (3, 5))
    assert len(three) == 3 and len(five) == 5
    assert three.keys() < five.keys() < known.keys()
    for key, (frame, image) in five.items():
        np.testing.assert_array_equal(frame.points, known[key][0].points)
        assert frame.identities == known[key][0].identities
        np.testing.assert_array_equal(image, known[key][1])
    assert any(drawn(package, 3, seed, tmp_path).keys() != three.keys() for seed in (2, 3, 4))


def test_no_more_frames_than_there_are(package, tmp_path):
    with pytest.raises(LabelsError, match="must have 9 frames to choose from, got 8"):
        draw_frames(package, 9, 0, tmp_path / "out.pkg.slp")
    assert not (tmp_path / "out.pkg.slp").exists()
