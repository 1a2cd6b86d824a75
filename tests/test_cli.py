"""The command: every verb has help worth reading, and starts in a moment."""

import errno
import json
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import sleap_io as sio
from fake_results import make_index
from typer.testing import CliRunner

from poseflow import __version__
from poseflow.cli import app, main
from poseflow.cli.options import change_section, list_settings
from poseflow.cli.verbs import VERBS, load_verb
from poseflow.config import Config, PredictConfig
from poseflow.core.errors import ConfigError, VideoError
from poseflow.core.skeleton import Skeleton
from poseflow.media import index_video, read_index, write_index, write_video
from poseflow.media.reading import RecordingFile
from poseflow.tables import Predictions, read_tracks, write_predictions


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def video(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (30, 64, 64, 1), dtype=np.uint8)
    write_video(tmp_path / "a.mp4", iter(noise), fps=25)
    return tmp_path / "a.mp4"


def test_there_is_a_verb_for_every_step():
    steps = {
        "synth",
        "index",
        "extract",
        "split",
        "train",
        "evaluate",
        "predict",
        "track",
        "assemble",
        "render",
        "report",
    }
    assert steps <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_what_a_verb_does_and_shows_an_example(verb):
    shown = run(*verb.split(), "--help")
    assert shown.exit_code == 0
    assert f"poseflow {verb}" in shown.output
    assert "Example" in shown.output
    assert load_verb(verb).help.splitlines()[0] == VERBS[verb].help, "what lists of verbs say of it"


def test_help_lists_the_settings_with_their_defaults():
    shown = run("track", "--help").output
    assert "matching=hungarian" in shown
    assert "flow.window_frames=5" in list_settings(PredictConfig)


def test_help_imports_nothing_that_takes_long():
    code = "import sys, poseflow.cli as cli; cli.app(['--help'], standalone_mode=False); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    modules = set(done.stdout.splitlines()[-1].split())
    assert "poseflow.cli.verbs" in modules
    assert not {"numpy", "pandas", "pyarrow", "pydantic", "yaml", "cv2", "av", "snakemake", "keras"} & modules
    assert not {f"poseflow.cli.{verb.module}" for verb in VERBS.values()} & modules


@pytest.mark.parametrize(("typed", "completed"), [("pre", {"predict"}), ("labels c", {"check", "convert"})])
def test_the_shell_completes_verbs(typed, completed):
    asked = {"_POSEFLOW_COMPLETE": "complete_bash", "COMP_WORDS": f"poseflow {typed}"}
    asked["COMP_CWORD"] = str(len(typed.split()))
    said = CliRunner().invoke(app, prog_name="poseflow", env=asked)
    assert set(said.output.split()) == completed


def test_the_version_is_the_packages():
    assert run("--version").output.strip() == __version__


def test_index_extract_and_schema_work_on_named_files(video, tmp_path):
    assert run("index", video, "--out", tmp_path / "a.json").exit_code == 0
    assert read_index(tmp_path / "a.json").frames == 30
    extracted = run(
        "extract",
        tmp_path / "a.json",
        "-o",
        tmp_path / "s.pkg.slp",
        "-s",
        "method=stride",
        "-s",
        "frames_per_video=2",
        "-s",
        "min_gap_frames=5",
    )
    assert extracted.output.strip() == f"{tmp_path / 's.pkg.slp'}: 2 frames"
    assert json.loads(run("schema").output) == Config.model_json_schema()


@pytest.mark.slow
def test_labels_of_a_video_that_is_gone_keep_no_other_from_being_proposed(video, tmp_path):
    skeleton, gone = sio.Skeleton(nodes=["nose"]), sio.Video("/gone/other.mp4", open_backend=False)
    instance = sio.Instance.from_numpy(np.ones((1, 2)), skeleton=skeleton)
    frames = [sio.LabeledFrame(video=gone, frame_idx=0, instances=[instance])]
    sio.save_slp(sio.Labels(labeled_frames=frames), str(tmp_path / "l.slp"), verbose=False)
    extracted = run("extract", video, "--out", tmp_path / "s.pkg.slp", "--labels", tmp_path / "l.slp")
    assert extracted.exit_code == 0, extracted.output
    assert sio.load_slp(tmp_path / "s.pkg.slp", open_videos=False).skeletons[0].node_names == ["nose"]


def test_a_broken_recording_is_no_error_but_said(tmp_path):
    (tmp_path / "b.mp4").write_bytes(b"")
    shown = run("index", tmp_path / "b.mp4", "--out", tmp_path / "b.json")
    assert shown.exit_code == 0
    assert "quarantined" in shown.output


def test_a_fault_ends_the_command_with_one_line(tmp_path):
    arguments = ["-c", "import sys; from poseflow.cli import main; sys.argv = sys.argv[1:]; main()", "poseflow"]
    done = subprocess.run(
        [
            sys.executable,
            *arguments,
            "track",
            "gone.parquet",
            "--out",
            str(tmp_path / "t.parquet"),
            "--set",
            "animal=2",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: --set: ")
    assert "did you mean 'animals'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_predictions_on_recordings_of_one_name_have_tables_of_their_own(tmp_path):
    skeleton = sio.Skeleton(["nose"])
    videos = [sio.Video(filename=f"/lab/day{number}/cage.mp4", open_backend=False) for number in range(2)]
    frames = [
        sio.LabeledFrame(video, 0, [sio.Instance.from_numpy(np.full((1, 2), 5.0 + number), skeleton=skeleton)])
        for number, video in enumerate(videos)
    ]
    sio.save_slp(sio.Labels(frames, videos=videos), str(tmp_path / "a.slp"), embed=False, verbose=False)
    assert run("import-predictions", tmp_path / "a.slp", "--out", tmp_path / "tables").exit_code == 0
    found = {path.name: pq.read_table(path)["nose.x"][0].as_py() for path in (tmp_path / "tables").glob("*.parquet")}
    assert found == {"cage.parquet": 5, "cage.1.parquet": 6}


def test_predictions_of_a_recording_that_is_not_there_are_not_none(tmp_path):
    (tmp_path / "cage.csv").write_text("scorer,D,D,D\nbodyparts,n,n,n\ncoords,x,y,likelihood\n0,1,2,0.5\n")
    out = tmp_path / "cage.parquet"
    done = run("import-predictions", tmp_path / "cage.csv", "--video", "gone.mp4", "--out", out)
    assert isinstance(done.exception, VideoError)
    assert "gone.mp4 must be the recording of" in str(done.exception)
    assert not out.exists()


def test_settings_come_from_the_file_and_then_from_the_command_line(tmp_path):
    changed = change_section(PredictConfig(batch_size=3), ["flow.levels=1", "max_instances=2"], PredictConfig)
    assert (changed.batch_size, changed.flow.levels, changed.max_instances) == (3, 1, 2)


@pytest.mark.parametrize("change", ["batch_size", "batch_size=zero", "flow.level=2"])
def test_a_change_that_makes_no_sense_is_an_error(change):
    with pytest.raises(ConfigError):
        change_section(PredictConfig(), [change], PredictConfig)


def test_a_recording_of_several_videos_is_tracked_by_their_folders_and_reviewed(tmp_path):
    skeleton = Skeleton(nodes=("a", "b"))
    for video in ("one", "two"):
        write_index(make_index(video, 10), tmp_path / f"{video}.json")
        points = [[[100 + frame, 50], [120 + frame, 50]] for frame in range(10)]
        (tmp_path / video).mkdir()
        write_predictions(Predictions.from_instances(skeleton, range(10), points), tmp_path / video / "all.parquet")
    videos = [tmp_path / "one", tmp_path / "two"]
    indexes = [part for video in videos for part in ("--index", f"{video}.json")]
    out, review = tmp_path / "t.parquet", tmp_path / "review.csv"
    config = ["--set", "candidates=window"]
    shown = run("track", *videos, *indexes, "--out", out, "--review", review, *config)
    assert shown.exit_code == 0, shown.output
    assert set(read_tracks(out, "two").track) == {0}, "the track goes on in the second video"
    assert review.exists()
    assert review.with_suffix(".slp").exists()
    lone = run("track", videos[0] / "all.parquet", "--out", out, *config)
    assert lone.exit_code == 0, lone.output
    assert len(read_tracks(out)) == 10
    assert isinstance(run("track", *videos, "--out", out, *config).exception, ConfigError)


def test_index_says_what_it_found(case, tmp_path):
    images = case("index_of_an_image_folder") / "imgs"
    shown = run("index", images, "-o", tmp_path / "x.json")
    assert shown.exit_code == 0
    assert shown.output.splitlines()[-1] == f"{images}: 4 frames, 30 x 20, no frame rate"
    assert read_index(tmp_path / "x.json").frames == 4
    folder = case("image_folder_with_a_dangling_link") / "f"
    folder.mkdir()
    for name in ("a.png", "c.png"):
        (folder / name).write_bytes(next(images.iterdir()).read_bytes())
    (folder / "b.png").symlink_to("nowhere.png")
    shown = run("index", folder, "-o", tmp_path / "y.json")
    problem, found = shown.output.splitlines()
    assert problem.endswith("1 of 3 images cannot be opened, the first of them b.png: No such file or directory")
    assert found == f"{folder}: 3 frames, 30 x 20, no frame rate"
    assert read_index(tmp_path / "y.json").corrupt.values().tolist() == [1]


def test_predict_takes_a_video(case, real_data, monkeypatch):
    """The table is that of its index."""
    folder = case("predict_takes_a_video")
    monkeypatch.syspath_prepend(str(folder.parent))
    from numbered import encode

    del sys.modules["numbered"]
    video = folder / "a.mp4"
    encode(video, 12)
    models = [
        f"--model={real_data}/sleap_models/minimal_instance.UNet.{kind}" for kind in ("centroid", "centered_instance")
    ]
    assert run("predict", video, *models, "-o", folder / "a.parquet").exit_code == 0
    write_index(index_video(video), folder / "a.json")
    assert run("predict", folder / "a.json", *models, "-o", folder / "b.parquet").exit_code == 0
    assert (folder / "a.parquet").read_bytes() == (folder / "b.parquet").read_bytes()


def test_a_disk_that_fails_is_told_in_one_line(monkeypatch, video, tmp_path, capsys):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(RecordingFile, "take", fail)
    monkeypatch.setattr(sys, "argv", ["poseflow", "index", str(video), "-o", str(tmp_path / "x.json")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"error: [Errno 5] Input/output error: '{video}'\n"
    assert not (tmp_path / "x.json").exists()
