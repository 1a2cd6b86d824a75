"""`make demo`: render two recordings, run the whole workflow over them, and say what came out and how good it is."""

import os
import subprocess
import sys
from pathlib import Path

from poseflow.config.synth import SynthConfig
from poseflow.core.files import read_json
from poseflow.runs.places import ANY, PLACES

FRAMES = 600
RECORDINGS = {"two_gerbils": (2, 1), "four_gerbils": (4, 2)}  # animals, seed


def render_recordings(folder: Path) -> None:
    """Render what is not there yet; labels go to a folder of their own, as a lab would have them."""
    from poseflow.synth import render_cage

    for name, (animals, seed) in RECORDINGS.items():
        video = folder / "videos" / f"{name}.mp4"
        if video.exists():
            continue
        print(f"rendering {video}: {FRAMES} frames, {animals} animals", flush=True)
        settings = SynthConfig(frames=FRAMES, animals=animals, seed=seed, width=512, height=352, label_every=3)
        recording = render_cage(video, settings)
        labels = folder / "labels" / recording.labels.name
        labels.parent.mkdir(parents=True, exist_ok=True)
        recording.labels.replace(labels)


def run_workflow() -> None:
    """Run Snakemake from the project's root, as a user would."""
    snakemake = Path(sys.executable).with_name("snakemake")
    command = [snakemake, "--profile", "local", "--configfile", "config/demo.yaml", "--quiet", "rules"]
    print("snakemake --configfile config/demo.yaml --profile local", flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(f"the workflow ended with code {code}; what went wrong stands in {PLACES.logs}/")


def tell_results() -> None:
    """Print where the results are and how good they are."""
    newest = max(PLACES.find(PLACES.metrics(ANY, ANY)), key=lambda path: path.stat().st_mtime)
    overall = read_json(newest)
    print(f"\npose tables  {PLACES.all_poses}/          import poseflow; poseflow.read_poses('{PLACES.all_poses}')")
    print(f"report       {PLACES.report}")
    for video in RECORDINGS:
        print(f"overlay      {PLACES.overlay(video)}")
    print("accuracy     on held-out blocks of frames that no network saw in training:")
    print(f"             mAP {overall['map_coco']:.3f} (OKS, COCO form), {overall['map_paper']:.3f} (as in the paper)")
    poseflow = os.path.relpath(Path(sys.executable).with_name("poseflow"))
    print(f"the page     {poseflow} serve --config config/demo.yaml")


def main() -> None:
    """Run the demo."""
    render_recordings(Path("demo"))
    run_workflow()
    tell_results()


if __name__ == "__main__":
    main()
