"""TensorFlow's import says nothing that reads like a warning and is none; what else it says is passed on."""

import subprocess
import sys

import pytest

from poseflow.core.logs import NOTES

NOISY = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on. You may see\\n")
os.write(2, b"something else\\n")
"""
IMPORT = "from poseflow.core.logs import silence_tensorflow; silence_tensorflow(); import tensorflow; import tensorflow"


def imported(code, **environment):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "", **environment}, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("level", "notes"), [("3", []), ("0", list(NOTES))], ids=["known notes are left out", "unless asked for"]
)
def test_what_tensorflow_says_as_it_is_imported(tmp_path, level, notes):
    (tmp_path / "tensorflow.py").write_text(NOISY)
    code, stderr = imported(IMPORT, PYTHONPATH=str(tmp_path), TF_CPP_MIN_LOG_LEVEL=level)
    assert code == 0
    assert [note for note in NOTES if note.decode() in stderr] == notes
    assert stderr.endswith("something else\n")


def test_an_import_that_fails_says_why(tmp_path):
    (tmp_path / "tensorflow.py").write_text(NOISY + "raise ImportError('no such library')")
    code, stderr = imported(IMPORT, PYTHONPATH=str(tmp_path))
    assert code == 1
    assert "something else" in stderr
    assert "ImportError: no such library" in stderr


@pytest.mark.slow
def test_the_real_one_says_nothing():
    code, stderr = imported(IMPORT, TF_ENABLE_ONEDNN_OPTS="1")
    assert (code, stderr) == (0, "")
