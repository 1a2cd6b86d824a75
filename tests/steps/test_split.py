"""Labels that are divided must be those that the run was planned with."""

import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import Config, LabelsConfig, SplitConfig
from poseflow.core.errors import LabelsError
from poseflow.labels import read_package
from poseflow.media import write_video
from poseflow.runs.fingerprints import describe_step, fingerprint
from poseflow.steps.label_files import LabelFiles
from poseflow.steps.split import split_dataset

SPLIT = SplitConfig(by="frame", val_fraction=0.25, test_fraction=0.25)


@pytest.fixture
def labels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (20, 32, 32, 1), dtype=np.uint8)
    write_video(tmp_path / "a.mp4", iter(noise), fps=25)
    skeleton, video = sio.Skeleton(nodes=["nose"]), sio.Video(str(tmp_path / "a.mp4"), open_backend=False)
    frames = [
        sio.LabeledFrame(
            video=video, frame_idx=frame, instances=[sio.Instance.from_numpy(np.ones((1, 2)), skeleton=skeleton)]
        )
        for frame in range(20)
    ]
    sio.save_slp(sio.Labels(labeled_frames=frames), str(tmp_path / "l.slp"), verbose=False)
    return LabelFiles([tmp_path / "l.slp"], LabelsConfig(video_folders=("elsewhere",)))


@pytest.mark.slow
def test_the_key_is_the_plans_and_other_labels_are_an_error(labels, tmp_path):
    out = {side: tmp_path / f"{side}.pkg.slp" for side in ("train", "val", "test")}
    config = Config(split=SPLIT, labels=labels.config)
    key = fingerprint(describe_step("split", config), labels.key, 1)
    counts = split_dataset(labels, out, SPLIT, dataset=key)
    assert sum(counts.values()) == 20
    assert {side: len(read_package(path).frames) for side, path in out.items()} == counts
    with pytest.raises(LabelsError, match="labels must be those that the run was planned with"):
        split_dataset(labels, out, SPLIT, dataset="0123456789")
