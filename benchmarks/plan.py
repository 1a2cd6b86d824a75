"""How long planning takes: a dry run over a thousand recordings, before and after they have been done; and `status`.

    python benchmarks/plan.py --recordings 1000 --shards 20

The recordings are copies of one short clip, and what a run would make of them is put there as empty files with
Snakemake's own records (`snakemake --touch`), so no network is trained and nothing is predicted.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).parents[1]
FRAMES_PER_SHARD = 2
ORDER = ("releases", "promotion", "release.json", "index", "predictions", "tracks", "review", "poses", "report")
SNAKEMAKE = """\
from snakemake.cli import main
from snakemake.executors.touch import Executor
Executor.SLEEPING_TIME = 0  # after each job, of thousands here
main()
"""


def main() -> None:
    """Lay out a project, plan it, finish it, and plan it again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=1000)
    parser.add_argument("--shards", type=int, default=20)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plan-") as place:
        folder = Path(place)
        lay_out(folder, wanted.recordings, wanted.shards)
        jobs = wanted.recordings * wanted.shards
        print(f"{wanted.recordings} recordings x {wanted.shards} shards")
        report("first dry run, nothing done", folder, jobs)
        finish(folder)
        report("dry run without news", folder, 0)
        time_status(folder, wanted.recordings)
        add_recording(folder, "new")
        report("dry run with one new recording", folder, wanted.shards)


def lay_out(folder: Path, recordings: int, shards: int) -> None:
    """A project whose models are given, and its recordings."""
    from poseflow.media import write_video

    for name in ("Snakefile", "workflow", "profiles", "local", "slurm"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "videos").mkdir()
    clip = (np.full((64, 64, 1), frame % 200, np.uint8) for frame in range(shards * FRAMES_PER_SHARD))
    write_video(folder / "clip.mp4", clip, fps=25)
    for number in range(recordings):
        add_recording(folder, f"cage{number:05d}")
    model = folder / "model"
    model.mkdir()
    (model / "config.yaml").write_text("kind: single_instance\n")
    (model / "skeleton.json").write_text('{"nodes": ["nose", "tail"], "edges": []}')
    (model / "model.weights.h5").write_bytes(b"")
    settings = {"release": {"single": "model"}, "predict": {"shard_frames": FRAMES_PER_SHARD}}
    (folder / "config/config.yaml").write_text(yaml.safe_dump(settings))


def add_recording(folder: Path, name: str) -> None:
    """A recording is a copy of the clip, with a name of its own at the end so that no two are the same."""
    with (folder / f"videos/{name}.mp4").open("wb") as file:
        file.write((folder / "clip.mp4").read_bytes())


def finish(folder: Path) -> None:
    """Make files of everything that a run would make, in the order of the rules, and let Snakemake note them."""
    from poseflow.core.skeleton import Skeleton
    from poseflow.media import index_video, write_index
    from poseflow.tables import PoseSource, empty_poses, write_poses

    index = index_video(folder / "clip.mp4")
    write_index(index, folder / "index.json")
    source = PoseSource("cage", "cage")
    write_poses(empty_poses(Skeleton(nodes=("nose", "tail")), index, source), folder / "poses.parquet")
    contents = {"results/poses/": folder / "poses.parquet", "results/index/": folder / "index.json"}
    listed = snakemake(folder, "--summary")
    outputs = [line.split("\t")[0] for line in listed.splitlines() if line.startswith("results/")]
    for output in sorted(outputs, key=lambda output: next(n for n, part in enumerate(ORDER) if part in output)):
        path = folder / output
        path.parent.mkdir(parents=True, exist_ok=True)
        content = next((file for start, file in contents.items() if output.startswith(start)), None)
        path.write_bytes(content.read_bytes() if content else b"{}")
    snakemake(folder, "--touch", "--forceall")


def report(what: str, folder: Path, shards: int) -> None:
    """Time a dry run, and hold its number of shards."""
    begin, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    output = snakemake(folder, "-n", "nightly")
    seconds = time.monotonic() - begin
    processor = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
    found = [int(line.split()[1]) for line in output.splitlines() if line.startswith("predict ")]
    if max(found, default=0) != shards:
        raise SystemExit(f"{what}: predict jobs must be {shards}, got {found}\n{output[-3000:]}")
    print(f"{what}: {seconds:.1f} s, {processor:.1f} s of the processor", flush=True)


def time_status(folder: Path, recordings: int) -> None:
    """Time `poseflow status`, and hold that it finds all recordings done."""
    begin = time.monotonic()
    command = [sys.executable, "-m", "poseflow", "status"]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    seconds = time.monotonic() - begin
    if not output.startswith(f"{recordings} videos: {recordings} done"):
        raise SystemExit(f"status must find {recordings} recordings done, got\n{output}")
    print(f"poseflow status: {seconds:.1f} s", flush=True)


def snakemake(folder: Path, *arguments: str) -> str:
    """Run Snakemake as a lab does every night; gives what it printed."""
    command = [sys.executable, "-c", SNAKEMAKE, "--profile", "local", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:])
    return done.stdout


if __name__ == "__main__":
    main()
