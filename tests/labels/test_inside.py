"""Label files that lead out of themselves."""

import h5py
import numpy as np
import pytest

from poseflow.core.errors import LabelsError
from poseflow.labels.formats import read_label_file


def test_a_label_file_whose_images_lie_elsewhere_is_refused(tmp_path):
    (tmp_path / "secret.txt").write_text("SECRET")
    with h5py.File(tmp_path / "a.slp", "w") as file:
        file["frames"] = np.zeros(3)
        file.create_dataset("video0/video", (1, 6), "i1", external=[(str(tmp_path / "secret.txt"), 0, 6)])
    with pytest.raises(LabelsError, match=r"a\.slp must hold its data itself, got the external file"):
        read_label_file(tmp_path / "a.slp")
