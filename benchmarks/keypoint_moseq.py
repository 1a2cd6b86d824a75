"""Keypoint-MoSeq's own loader reads our export: the same points, likelihoods and names, in one call.

    python benchmarks/keypoint_moseq.py --python /path/of/an/environment/bin/python

That environment has the package `keypoint-moseq` (JAX and all, which is why it is not among ours).
"""

import argparse
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from export import ANIMALS, NODES, make_index, write_table

from poseflow.exchange import export_poses

ROWS = 4000
LOAD = """
import sys
import numpy as np
import keypoint_moseq
points, likelihoods, nodes = keypoint_moseq.load_keypoints(sys.argv[1], "deeplabcut")
arrays = {f"{name}.points": array for name, array in points.items()}
arrays |= {f"{name}.likelihoods": array for name, array in likelihoods.items()}
np.savez(sys.argv[2], nodes=nodes, **arrays)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True, help="Python of the environment with keypoint-moseq.")
    given = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "cage.parquet", ROWS)
        export_poses(folder / "cage.parquet", folder / "cage.kpms", "keypoint_moseq", make_index(ROWS // ANIMALS))
        command = [given.python, "-c", LOAD, folder / "cage.kpms", folder / "loaded.npz"]
        subprocess.run(command, check=True, capture_output=True)
        loaded, table = np.load(folder / "loaded.npz"), pd.read_parquet(folder / "cage.parquet")
    nodes = [f"node{node}" for node in range(NODES)]
    assert loaded["nodes"].tolist() == nodes
    worst = 0.0
    for animal in "abcd":
        own = table[table["identity"] == animal]
        points = np.stack([own[[f"{node}.x", f"{node}.y"]].to_numpy() for node in nodes], axis=1)
        found = loaded[f"cage_{animal}.points"]
        assert (np.isnan(points) == np.isnan(found)).all()
        worst = max(worst, float(np.nanmax(np.abs(points - found))))
        likelihoods = loaded[f"cage_{animal}.likelihoods"]
        scores = own[[f"{node}.score" for node in nodes]].to_numpy()
        np.testing.assert_allclose(np.nan_to_num(scores), np.nan_to_num(likelihoods), atol=1e-6)
    print(f"{ANIMALS} animals of {len(nodes)} nodes over {ROWS // ANIMALS:,} frames; largest difference {worst:g} px")


if __name__ == "__main__":
    main()
