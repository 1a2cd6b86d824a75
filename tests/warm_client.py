"""The program that `warm_python` makes of this text; facts.json lies beside it.

It runs without Python's site packages, and imports little, so as to start within some hundredths of a second.
"""

import json
import os
import signal
import socket
import sys


def main() -> None:
    folder, _, name = sys.argv[0].rpartition("/")
    with open(f"{folder}/facts.json") as file:  # noqa: PTH123
        facts = json.load(file)
    given = [*(["-m", name] if name != "warm" else []), *sys.argv[1:]]
    options = [argument for argument in given[:1] if argument == "-u"]
    rest = given[len(options) :]
    is_known = bool(rest) and (rest[0] in ("-c", "-m") or not rest[0].startswith("-"))
    if not is_known or any(os.environ.get(name) != value for name, value in facts["needed"].items()):
        os.execv(facts["python"], [facts["python"], *given])
    server = socket.socket(socket.AF_UNIX)
    server.connect(facts["address"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, _: server.send(bytes([number])))
    here = os.getcwd()  # noqa: PTH109
    asked = {"unbuffered": bool(options), "arguments": rest, "folder": here, "environment": dict(os.environ)}
    socket.send_fds(server, [b"+"], [0, 1, 2])
    server.sendall(json.dumps(asked).encode() + b"\n")
    status = int(server.makefile().readline() or 1)
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


main()
