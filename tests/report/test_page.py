import os
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from blobs import make_package, write_blobs
from fake_results import make_index, make_poses, write_run

from poseflow.config import EvaluationConfig, ReportConfig
from poseflow.core.errors import ModelError, TableError, VideoError
from poseflow.core.files import write_json
from poseflow.evaluation import PredictedPoses
from poseflow.inference.profile import Profile
from poseflow.media import write_index
from poseflow.report.inputs import ReportInputs
from poseflow.report.page import write_report
from poseflow.report.recordings import read_speed
from poseflow.steps.evaluate import write_accuracy
from poseflow.tables import write_poses

pytestmark = pytest.mark.slow  # every picture is drawn

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


class Page(HTMLParser):
    """Words of a page, and what it refers to."""

    def __init__(self, text):
        super().__init__()
        self.references, self.words, self.open, self.quiet = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.quiet = tag == "style"
        self.references += [value for name, value in attributes if name in ("src", "srcset", "href")]
        if tag not in ("meta", "img", "source"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.quiet = False

    def handle_data(self, data):
        if not self.quiet:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def write_page(inputs, tmp_path, **settings):
    path = tmp_path / "report.html"
    write_report(inputs, ReportConfig(**settings), path, NOW)
    return Page(path.read_text(encoding="utf-8"))


def inputs_of(results, **more):
    return ReportInputs(
        indexes=sorted((results / "index").glob("*.json")), poses=sorted(results.glob("poses/*/*.parquet")), **more
    )


def write_profiles(folder):
    """Of two jobs of 500 frames; networks and peaks take 20 ms a frame and decoding 2."""
    paths = [folder / f"000{shard}-of-0002.json" for shard in range(2)]
    for path in paths:
        profile = Profile(frames=500, wall=12.0, processor=20.0)
        profile.seconds |= {"decode": 1.0, "first batch": 1.5, "networks and peaks": 10.0, "flow": 3.0}
        profile.write(path)
    (folder / "0002-of-0002.json").touch()  # of a job that was killed
    return [*paths, folder / "0002-of-0002.json"]


@pytest.fixture(scope="module")
def full_inputs(tmp_path_factory):
    """Everything that a report can be made from."""
    run_folder = write_run(tmp_path_factory.mktemp("run") / "results")
    names = ("anna", "bert")
    package = make_package(10, names=names)
    comparison = {}
    for pipeline, given in (("two_steps", (None, None)), ("one_step", names[::-1])):
        found = [PredictedPoses(frame.points + 0.3, np.ones(2, np.float32), given) for frame in package.frames]
        speed = {"frames_per_s": 88.5, "frames": 10, "batch_size": 8, "width": 96, "height": 96}
        speed["by_animals"] = [{"animals": count, "frames": 5, "frames_per_s": 90.0 / count} for count in (1, 2)]
        comparison[pipeline] = run_folder / pipeline
        known = names if all(given) else ()
        facts = {"speed": speed}
        write_accuracy(package, found, comparison[pipeline], EvaluationConfig(), facts, identities=known)
    for side, frames in (("train", 6), ("val", 2), ("test", 0)):
        write_blobs(run_folder / "dataset", side, frames)
    tracking = {"frames": 1000, "tracks": 3, "animals": 2, "switches": 4, "switches_per_100k_frames": 400.0}
    tracking |= {"idf1": 0.98, "mota": None, "false_negatives": 3, "false_positives": 0}
    write_json(tracking, run_folder / "tracking.json")
    models = {folder.parent.name: str(folder) for folder in (run_folder / "models").glob("*/*")}
    tried = {"runtime": "keras", "precision": "float32", "frames_per_s": 51.0, "passed": True}
    tried |= {"median_px": 0.0, "high_px": 0.0, "mean_average_precision": 0.8}
    runtime = {"runtime": "keras", "precision": "float32", "tried": [tried]}
    write_json({"id": "abcdef0123", "models": models, "runtime": runtime}, run_folder / "release.json")
    for shard in ("0000-of-0002", "0001-of-0002"):
        (run_folder / f"{shard}.tsv").write_text("s\th:m:s\tmax_rss\n10.0\t0:00:10\t512.5\n")
    return inputs_of(
        run_folder,
        release=run_folder / "release.json",
        evaluation=comparison["one_step"],
        comparison=comparison,
        dataset=run_folder / "dataset",
        tracking={"cage": run_folder / "tracking.json"},
        benchmarks={"cage": sorted(run_folder.glob("*.tsv"))},
        profiles={"cage": write_profiles(run_folder)},
        config={"videos": {"root": "my <videos>"}},
    )


@pytest.fixture(scope="module")
def full_page(full_inputs, tmp_path_factory):
    """The report of all this, read and as text."""
    folder = tmp_path_factory.mktemp("page")
    return write_page(full_inputs, folder, title="Night shift"), (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_no_other_file(full_page):
    page, text = full_page
    assert page.open == []
    assert [reference for reference in page.references if not reference.startswith(("data:image/", "#"))] == []
    assert "<script" not in text and not re.search(r"@import|url\(", text)


def test_the_page_tells_everything(full_page):
    text = full_page[0].text
    for words in (
        "Night shift",
        "23 November 2026",
        "could not be read: the file is empty <0 bytes>",
        "2 of 3,000 frames could not be decoded",
        "tracks are broken up: 60",
        "epoch that was kept: 7",
        "release: abcdef0123",
        "keras in float32. Tried were keras in float32: 51.0 frames/s",
        "Processing of 1,000 frames in 2 jobs",
        "21.00 ms",
        "It is networks and peaks here, at work for 95% of the time",
        "took 1.5 s on average",
        "mAP",
        "Among the worst",
        "4 400.0",
        "my <videos>",
        "100.0",
        "50.0",
        "512",
        "h264",
        "0.0 % of 20 labeled animals have their right name",
        "anna 0 10 0 0",
        "two_steps 90.0 45.0",
        "one_step: 0.0 %",
    ):
        assert words in text, words


def test_anchors_of_the_navigation_exist(full_page):
    page, text = full_page
    anchors = [reference[1:] for reference in page.references if reference.startswith("#")]
    assert len(anchors) == 8
    assert all(f'<h2 id="{anchor}">' in text for anchor in anchors)


def test_the_same_inputs_give_the_same_bytes(full_inputs, full_page, tmp_path):
    write_page(full_inputs, tmp_path, title="Night shift")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == full_page[1]
    assert len(full_page[1]) < 3_000_000


def test_a_run_without_labels_has_a_report_too(run_folder, tmp_path):
    text = write_page(inputs_of(run_folder), tmp_path).text
    assert "Recordings" in text and "Accuracy" not in text and "Training" not in text


def test_pipelines_without_labeled_animals_are_not_compared(tmp_path):
    write_accuracy(make_package(0), [], tmp_path / "one", EvaluationConfig())
    page = write_page(ReportInputs(comparison={"one": tmp_path / "one", "two": tmp_path / "one"}), tmp_path)
    assert "Comparison" not in page.text


def test_accuracy_alone_makes_a_report(full_inputs, tmp_path):
    text = write_page(ReportInputs(evaluation=full_inputs.evaluation), tmp_path).text
    assert "Measured on 10 labeled frames (20 animals) of blobs" in text and "Recordings" not in text


def test_an_empty_test_set_is_said_at_the_top(tmp_path):
    write_accuracy(make_package(0), [], tmp_path / "evaluation", EvaluationConfig())
    assert "not known how accurate" in write_page(ReportInputs(evaluation=tmp_path / "evaluation"), tmp_path).text


def test_nothing_wrong_is_said_too(tmp_path):
    index = make_index("cage", 100)
    write_index(index, tmp_path / "index" / "cage.json")
    write_poses(make_poses(index, [(0, 0, 100)]), tmp_path / "poses" / "cage" / "cage.parquet")
    text = write_page(inputs_of(tmp_path), tmp_path).text
    assert "Nothing needs a look" in text
    assert "in 1 video," in text and "in 1 track" in text


def test_a_recording_without_animals_has_no_empty_pictures(tmp_path):
    index = make_index("cage", 100)
    write_index(index, tmp_path / "index" / "cage.json")
    write_poses(make_poses(index, []), tmp_path / "poses" / "cage" / "cage.parquet")
    text = write_page(inputs_of(tmp_path), tmp_path).text
    assert "no animal was detected" in text and "One line per track" not in text


def test_of_many_recordings_those_with_problems_come_first(tmp_path, monkeypatch):
    monkeypatch.setattr("poseflow.report.page.MAX_LISTED", 3)
    for number in range(5):
        problems = ("the end is cut off",) if number == 4 else ()
        write_index(make_index(f"v{number}", 10, problems=problems), tmp_path / "index" / f"v{number}.json")
    text = write_page(inputs_of(tmp_path), tmp_path).text
    assert "3 of 5 videos, those with problems first" in text
    assert "v4 10" in text and "v3 10" not in text


def test_timelines_are_limited_to_the_worst(run_folder, tmp_path):
    page = write_page(inputs_of(run_folder), tmp_path, max_timelines=1)
    assert "Drawn are the 1 of 2 videos with most tracks per animal" in page.text
    assert "All 3,000 frames of pieces" in page.text and "All 1,000 frames of cage" not in page.text


def test_times_of_files_from_another_number_of_shards_do_not_count(tmp_path):
    for age, (shard, seconds) in enumerate((("0000-of-0002", 10), ("0001-of-0002", 10), ("0000-of-0003", 99))):
        path = tmp_path / f"{shard}.tsv"
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:10\t-\n")
        os.utime(path, (1000 - age, 1000 - age))
    speed = read_speed(sorted(tmp_path.glob("*.tsv")), 1000)
    assert (speed.shards, speed.frames, speed.frames_per_s) == (2, 1000, 50)
    assert read_speed([tmp_path / "0000-of-0002.tsv"], 1000).frames == 500


@pytest.mark.parametrize(
    ("broken", "error"),
    [("index/cage.json", VideoError), ("poses/cage/cage.parquet", TableError)],
)
def test_a_damaged_file_is_named(run_folder, tmp_path, broken, error):
    (run_folder / broken).write_text("{}")
    with pytest.raises(error, match=re.escape(str(run_folder / broken))):
        write_page(inputs_of(run_folder), tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_folder_that_is_no_model_is_named(tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        write_page(ReportInputs(models={"centroid": tmp_path / "nowhere"}), tmp_path)
