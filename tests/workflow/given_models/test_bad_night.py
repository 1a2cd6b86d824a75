"""A night over a folder with one of each bad thing: what is good is done, and what is bad is told in a line each."""

import html
import io
import os
import re
import shutil
import zipfile

import h5py
import numpy as np
import pytest
import sleap_io as sio
from shell import bash

from poseflow.core.files import read_json
from poseflow.runs.names import read_names
from poseflow.runs.places import PLACES
from poseflow.tables import read_pose_metadata

pytestmark = [pytest.mark.workflow, pytest.mark.long, pytest.mark.timeout(1800)]
SNAKEMAKE = "snakemake --profile local --cores 2"


FLAKY = "n" * 245 + ".mp4"
GOOD = ["good.mp4", "we{ird}.mp4", "we{ird}.mkv", FLAKY]
ODD = {"odd/len.avi": 50, "odd/matlab.h5": 5}
"""Odd recordings that can be read, and their frames."""
BAD = {
    "empty.mp4": "file must",
    "cut.mp4": "file must",
    "gone.mp4": "must be readable",
    "pipe.mp4": "must be a regular file",
    "bomb.imgstore": "store must",
}
"""What is wrong with each recording that cannot be read, as summary and report say."""


def add_bad_things(project, case):
    """Beside the good ones: each kind of bad recording (in one folder, to be tracked at once), and a label file."""
    videos, good = project / "videos", (project / "videos/good.mp4").read_bytes()
    for folder in ("bad", "odd"):
        (videos / folder).mkdir()
    (videos / "bad/empty.mp4").touch()
    (videos / "bad/cut.mp4").write_bytes(good[:200])
    (videos / "bad/gone.mp4").symlink_to("nowhere.mp4")
    os.mkfifo(videos / "bad/pipe.mp4")
    (videos / os.fsdecode(b"bad\xff.mp4")).write_bytes(good)
    (videos / "disk").symlink_to("not mounted")
    shutil.copyfile(case("avi_header_promises_billions") / "len.avi", videos / "odd/len.avi")
    with h5py.File(videos / "odd/matlab.h5", "w") as file:
        images = file.create_dataset("images", data=np.zeros((5, 48, 96), "u1"))
        images.attrs["fps"] = np.array([[25.0]])
    store = videos / "bad/bomb.imgstore"
    store.mkdir()
    (store / "metadata.yaml").write_text(
        "__store: {class: VideoImgStoreFFMPEG, format: mp4, extension: .mp4, imgdtype: uint8, imgshape: [48, 96]}\n"
    )
    (store / "000000.mp4").write_bytes(good)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(store / "000000.npz", "w") as archive:
        for name in ("frame_time", "frame_number"):
            archive.writestr(f"{name}.npy", header.getvalue())
    (project / "labels/cut.slp").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    begun = sio.Labels(videos=[sio.Video(str(videos / "good.mp4"))], skeletons=[sio.Skeleton(["nose"])])
    sio.save_file(begun, str(project / "labels/none.slp"), verbose=False)


def fail_reading_in_the_plan(project, case, name):
    """Settings of a command whose own process, not its jobs, gets EIO where it looks at the recording `name` first."""
    bash(f"gcc -shared -fPIC -o {project}/shim.so shim.c", case("transient_read_error"))
    (project / "jobs.sh").write_text("unset LD_PRELOAD\n")
    return f"EIO_NAME={name} EIO_FROM=1 EIO_TO=2 BASH_ENV=$PWD/jobs.sh LD_PRELOAD=$PWD/shim.so"


def test_of_a_folder_with_one_of_each_bad_thing_the_good_is_done_and_the_bad_told(case_project, case):
    """Then, in a later run, a step fails (the case failed_assemble_has_no_reason), and a recording is gone, as the old
    name of one that was renamed is (renamed_recording_leaves_old_tables).
    """
    settings = {
        "videos": {"root": "videos", "patterns": ["*.mp4", "*.mkv", "*.avi", "*.h5", "*.imgstore"]},
        "predict": {"shard_frames": 1000, "batch_size": 4, "max_instances": 2, "flow": {"window_frames": 2}},
    }
    project = case_project("failed_assemble_has_no_reason", settings, *GOOD)
    add_bad_things(project, case)
    fault = fail_reading_in_the_plan(project, case, f"videos/{FLAKY}")
    printed = bash(f"{fault} {SNAKEMAKE} nightly; echo rc $?", project)
    assert printed.strip().endswith("rc 0"), printed
    assert read_json(project / PLACES.facts)[f"videos/{FLAKY}"]["fingerprint"] is None
    names = read_names(project / PLACES.names)
    results = project / "results"
    for video in (*GOOD, *ODD):
        (table,) = results.glob(f"poses/*/{names[video]}.parquet")
        assert read_pose_metadata(table)["frames"] == ODD.get(video, 12)
    assert len({names[video] for video in (*GOOD, *ODD)}) == len(GOOD) + len(ODD)
    for told in ((results / "summary.txt").read_text(), (results / "report.html").read_text()):
        for video, reason in BAD.items():
            name = names[f"bad/{video}"]
            assert re.search(rf"({video} cannot|{name}: could not) be read: .*{reason}", told), (video, told)
        assert r"videos/bad\xff.mp4 is left out" in told
        assert "videos/disk cannot be looked into" in told
        assert "labels/cut.slp must be" in told
        assert "labels/none.slp has no labeled animals" in told

    os.truncate(results / "tracks/good.parquet", 1000)
    (project / "videos/we{ird}.mp4").unlink()
    bash(f"{SNAKEMAKE}", project)
    tracks, log = PLACES.tracks("good"), PLACES.log("assemble", "good", "good")
    for told in ((results / "summary.txt").read_text(), html.unescape((results / "report.html").read_text())):
        assert re.search(rf"good: the pose table is missing: error: {tracks} must be .*{log}", told)
        assert f"no longer among the recordings: {names['we{ird}.mp4']}" in told
    assert not list(results.glob(f"poses/**/{names['we{ird}.mp4']}.parquet"))
    assert list(results.glob(f"orphaned/*/poses/**/{names['we{ird}.mp4']}.parquet"))
