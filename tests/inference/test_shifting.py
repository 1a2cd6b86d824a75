"""Points of other programs' instances, shifted as our own."""

import numpy as np

from poseflow.config import FlowConfig
from poseflow.inference.flow import shift_points, shrink_image
from poseflow.inference.shifting import GAP_FRAMES, shift_instances
from poseflow.media import index_video, open_video, write_video
from poseflow.tables import Instances


def test_points_move_as_flow_moves_them_whatever_the_pieces(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (80, 80), dtype=np.uint8)
    frames = [np.roll(noise, frame, axis=1) for frame in range(GAP_FRAMES + 20)]
    write_video(tmp_path / "a.mp4", iter(frames), fps=25)
    index, config = index_video(tmp_path / "a.mp4"), FlowConfig(window_frames=2, scale=1)
    numbers = np.array([0, 0, 1, 5, GAP_FRAMES + 18, GAP_FRAMES + 19])
    points = np.random.default_rng(1).uniform(20, 60, (len(numbers), 3, 2)).astype(np.float32)
    found = Instances.from_arrays(numbers, np.ones(6), points, np.ones((6, 3)))
    pieces = [found.take(slice(0, 2)), found.take(slice(2, 6))]
    failed: set[int] = set()
    shifted = Instances.concatenate(list(shift_instances(pieces, index, config, failed)))
    assert not failed
    np.testing.assert_array_equal(shifted.points, points)
    with open_video(index) as video:
        images = [shrink_image(image, config) for _, image in video.read(0, index.frames, 1)]
    for row, number in enumerate(numbers):
        later = images[number + 1 : number + 3]
        expected = shift_points(images[number], list(later), points[row : row + 1], config)
        np.testing.assert_array_equal(shifted.shifted[row : row + 1], expected)
    assert np.isfinite(shifted.shifted[:3]).all()
