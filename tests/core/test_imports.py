"""TensorFlow's import says nothing that reads like a warning and is none; Keras' does not bring Matplotlib."""

import subprocess
import sys

import pytest

from poseflow.core.imports import NOTES

NOISY = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on. You may see\\n")
os.write(2, b"something else\\n")
"""
PREPARE = "from poseflow.core.imports import prepare_imports; prepare_imports(); "
IMPORT = PREPARE + "import tensorflow; import tensorflow"
KERAS = "import sys, keras; assert 'matplotlib.pyplot' not in sys.modules; import matplotlib.pyplot as plt; plt.figure"


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
    code, stderr = imported(PREPARE + KERAS, TF_ENABLE_ONEDNN_OPTS="1")
    assert (code, stderr) == (0, "")


def test_pyplot_that_was_there_before_stays(tmp_path):
    gallery, pyplot = tmp_path / "keras/src/visualization/plot_image_gallery.py", tmp_path / "matplotlib/pyplot.py"
    for file, text in ((gallery, "import matplotlib.pyplot as plt"), (pyplot, "")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    for folder in ("keras", "keras/src", "keras/src/visualization", "matplotlib"):
        (tmp_path / folder / "__init__.py").touch()
    code = "import matplotlib.pyplot as plt; import keras.src.visualization.plot_image_gallery as gallery; "
    assert imported(PREPARE + code + "assert gallery.plt is plt", PYTHONPATH=str(tmp_path)) == (0, "")
