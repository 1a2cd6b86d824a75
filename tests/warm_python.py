"""A Python that has imported Snakemake, TensorFlow and poseflow: what jobs of small projects spend their time on.

`warm_python()` is a program that is used as `python` is (`-c`, `-m` or a script), and sys.executable in what it runs;
`snakemake` and `poseflow` lie beside it. It asks a process of this session to fork, and hands over its arguments,
environment, folder and open files; signals reach the fork, its exit status comes back, and it is killed where the
program is. Where the environment asks for another start of Python than that process had, it becomes Python itself.
"""

import atexit
import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from poseflow.core.imports import prepare_imports

NEEDED = ("LD_PRELOAD", "PYTHONPATH", "PYTHONUTF8", "LC_ALL", "TZ", "OMP_NUM_THREADS", "KERAS_BACKEND")
"""What counts as Python starts, or as it imports."""
FOR_JOBS = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
"""What tests set in the environment of a project's runs."""
_ENVIRONMENT = {**os.environ, **FOR_JOBS}  # before any test changes it
_QUIET = {**_ENVIRONMENT, "TF_CPP_MIN_LOG_LEVEL": "3"}
PRELOADED = (
    *("snakemake.cli", "snakemake.workflow", "snakemake.executors.dryrun", "nbformat", "requests", "smart_open"),
    *("snakemake_executor_plugin_cluster_generic", "submitit", "poseflow.cli", "poseflow.cluster", "poseflow.media"),
    *("poseflow.report", "poseflow.runs.checks", "poseflow.runs.orphans", "poseflow.runs.plan"),
    *("poseflow.runs.summary", "poseflow.inference", "poseflow.tracking", "poseflow.training"),
)
"""What runs and their jobs import, nearly."""


@cache
def warm_python() -> str:
    """Path of the program; the process behind it ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    program, address = folder / "warm", str(folder / "socket")
    needed = {name: _ENVIRONMENT.get(name) for name in NEEDED}
    (folder / "facts.json").write_text(json.dumps({"address": address, "python": sys.executable, "needed": needed}))
    program.write_text(f"#!{sys.executable} -ISE\n{Path(__file__).with_name('warm_client.py').read_text()}")
    program.chmod(0o755)
    for name in ("snakemake", "poseflow"):
        (folder / name).symlink_to(program.name)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        descriptor = listening.fileno()
        command = [sys.executable, __file__, str(descriptor), str(program)]
        process = subprocess.Popen(
            command, env=_QUIET, stdin=subprocess.PIPE, pass_fds=[descriptor], start_new_session=True
        )
    atexit.register(lambda: (process.kill(), shutil.rmtree(folder, ignore_errors=True)))
    return str(program)


def serve(listening: socket.socket) -> dict[str, Any]:
    """Fork for everyone who asks, until standard input ends; gives, in such a fork, what is asked for."""
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            os._exit(0)
        connection, _ = listening.accept()
        if not os.fork():
            listening.close()
            if (asked := _attend(connection)) is not None:
                return asked
            os._exit(0)
        connection.close()
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _attend(connection: socket.socket) -> dict[str, Any] | None:
    """Fork once more, and stay between the program and that fork; only the fork gets what is asked for."""
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    asked = json.loads(connection.makefile().readline())
    child = os.fork()
    if not child:
        connection.close()
        os.setsid()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        return asked
    for descriptor in descriptors:
        os.close(descriptor)
    ended = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([connection, ended], [], [])
        if ended in ready:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            connection.send(f"{status}\n".encode())
            return None
        numbers = connection.recv(16)
        if not numbers:  # the program was killed
            os.killpg(child, signal.SIGKILL)
            return None
        for number in numbers:
            os.kill(child, number)


def run(program: str, asked: dict[str, Any]) -> None:
    """Be the Python that is asked for."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.executable = program
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=asked["unbuffered"] or stream.isatty(), write_through=asked["unbuffered"])
    kind, *rest = asked["arguments"]
    if kind == "-m":
        sys.argv, sys.path[0] = rest, asked["folder"]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"] = ModuleType("__main__")
    if kind == "-c":
        sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
        exec(compile(rest[0], "<string>", "exec"), vars(main))
        return
    sys.argv, sys.path[0], main.__file__ = [kind, *rest], str(Path(kind).resolve().parent), kind
    exec(compile(Path(kind).read_bytes(), kind, "exec"), vars(main))


def end(status: object) -> NoReturn:
    """As Python ends, but for taking everything apart that was imported, which takes seconds."""
    if isinstance(status, str):
        print(status, file=sys.stderr)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        prepare_imports()
        for name in PRELOADED:
            import_module(name)
        gc.freeze()  # forks share what no collection touches
        request = serve(given)
    code: object = 0
    try:
        run(sys.argv[2], request)
    except SystemExit as ended:
        code = ended.code
    except BaseException as error:  # noqa: BLE001
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    end(code)
