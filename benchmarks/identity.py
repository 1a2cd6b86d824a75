"""Who is who over 100,000 frames of a synthetic cage: by motion alone, by appearance alone, and by both.

    python benchmarks/identity.py --frames 100000 --pictures errors.png

Four animals that huddle, climb over each other and hide; detected as networks would (`cage.py`), with appearance that
names 93 % of the detections rightly. Motion alone is given every animal's name where its track begins. Prints the share
of the detected animals that have their names, and tracklets under a wrong name per 10,000 frames.
"""

import argparse
from pathlib import Path
from time import process_time

import numpy as np
from cage import Noise, Truth, find_animals
from matplotlib.figure import Figure
from numpy.typing import NDArray

from poseflow.config import TrackingConfig
from poseflow.synth.animals import SKELETON
from poseflow.tables import Predictions, Tracks
from poseflow.tracking import follow_animals

LINKS = {"max_gap_frames": 50, "max_distance_px": 60.0}
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def majority(tracks: Tracks, who: NDArray[np.int64], animals: int) -> NDArray[np.int64]:
    """The animal that most instances of each tracklet are, -1 for none."""
    counts = np.zeros((int(tracks.tracklet.max()) + 1, animals + 1), np.int64)
    np.add.at(counts, (tracks.tracklet, who[tracks.row]), 1)
    best = counts.argmax(axis=1)
    return np.where(best == animals, -1, best)


def report(name: str, tracks: Tracks, codes: NDArray[np.int64], who: NDArray[np.int64], frames: int) -> None:
    """Print how rightly animals are named."""
    own, found = who[tracks.row], (who >= 0).sum()
    real = own >= 0
    right, wrong = (real & (codes == own)).sum() / found, (real & (codes >= 0) & (codes != own)).sum() / found
    best = majority(tracks, who, int(who.max()) + 1)
    code = np.full(len(best), -1)
    code[tracks.tracklet] = codes
    bad = ((code >= 0) & (best >= 0) & (code != best)).sum()
    ghosts = (~real & (codes >= 0)).sum()
    print(
        f"  {name:<7} {right:8.3%} right {wrong:8.3%} wrong {1 - right - wrong:8.3%} unnamed; "
        f"{bad:,} wrong tracklets ({bad / frames * 10_000:.2f} per 10,000 frames); {ghosts:,} false positives named",
        flush=True,
    )


def name_by_beginnings(tracks: Tracks, who: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every instance's name if each track keeps that of the animal that it begins with."""
    own = who[tracks.row]
    real = np.flatnonzero(own >= 0)
    known, first = np.unique(tracks.track[real], return_index=True)
    names = np.full(int(tracks.track.max()) + 1, -1)
    names[known] = own[real[first]]
    return names[tracks.track]


def draw_errors(path: Path, truth: Truth, predictions: Predictions, tracks: Tracks, who: NDArray[np.int64]) -> None:
    """The longest wrongly named tracklets, a row each: where animals are (lines), and what was found (points).

    Colors are names; black points have none, and rings mark a wrong one.
    """
    own = who[tracks.row]
    bad = np.flatnonzero((own >= 0) & (tracks.identity_code >= 0) & (tracks.identity_code != own))
    worst = sorted(set(tracks.tracklet[bad]), key=lambda tracklet: -(tracks.tracklet[bad] == tracklet).sum())[:4]
    figure = Figure(figsize=(11, 2.2 * max(len(worst), 1)), layout="constrained")
    axes = figure.subplots(max(len(worst), 1), 4, squeeze=False)
    for row, tracklet in zip(axes, worst, strict=False):
        rows = bad[tracks.tracklet[bad] == tracklet]
        middle = int(tracks.frame_idx[rows[len(rows) // 2]])
        center = np.nanmean(predictions.points[tracks.row[rows[0]]], axis=0)
        for ax, frame in zip(row, (middle - 25, middle - 3, middle, middle + 25), strict=True):
            _draw_frame(ax, frame, truth, predictions, tracks, set(bad.tolist()), center)
        row[0].set_ylabel(f"{len(rows)} frames", fontsize=9)
    figure.savefig(path, dpi=80)


def _draw_frame(ax, frame, truth, predictions, tracks, bad, center) -> None:
    frame = int(np.clip(frame, 0, len(truth.points) - 1))
    for animal, points in enumerate(truth.points[frame]):
        for a, b in SKELETON.edges:
            ax.plot(*points[[a, b]].T, color=COLORS[animal], linewidth=5, alpha=0.3, solid_capstyle="round")
    for place in np.flatnonzero(tracks.frame_idx == frame):
        code = tracks.identity_code[place]
        color = COLORS[code] if code >= 0 else "black"
        points = predictions.points[tracks.row[place]]
        ax.plot(*points.T, "o", color=color, markersize=3)
        if int(place) in bad:
            ax.plot(*points.T, "o", markerfacecolor="none", markeredgecolor="black", markersize=7)
    ax.set(xlim=center[0] + [-110, 110], ylim=center[1] + [75, -75], xticks=[], yticks=[], aspect="equal")
    ax.set_title(f"frame {frame}", fontsize=8)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pictures", type=Path, help="where to draw the errors that are left")
    args = parser.parse_args()
    truth = Truth.simulate(args.frames, animals=4, seed=args.seed)
    predictions, who = find_animals(truth, Noise(), args.seed)
    real = who >= 0
    named = (predictions.class_scores.argmax(axis=1) == who)[real].mean()
    print(
        f"{args.frames:,} frames of 4 animals: {real.sum() / args.frames / 4:.1%} found, {(~real).sum():,} false ones, "
        f"{named:.1%} look most like themselves"
    )
    moving, _ = follow_animals(predictions, TrackingConfig(animals=4, max_tracks=4, **LINKS))
    report("motion", moving, name_by_beginnings(moving, who), who, args.frames)
    looking, _ = follow_animals(predictions, TrackingConfig(identity="per_frame", **LINKS))
    report("appearance", looking, looking.identity_code, who, args.frames)
    begin = process_time()
    both, outcome = follow_animals(predictions, TrackingConfig(identity="per_tracklet", **LINKS))
    seconds = process_time() - begin
    report("both", both, both.identity_code, who, args.frames)
    worth = [item for item in outcome.review_items if item.expected_errors >= 1]
    print(f"  both: {args.frames / seconds:,.0f} frames/s; {len(worth):,} review items, of 1 animal-frame or more")
    if args.pictures:
        draw_errors(args.pictures, truth, predictions, both, who)


if __name__ == "__main__":
    main()
