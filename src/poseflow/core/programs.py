"""Other programs of this machine."""

import subprocess

TIMEOUT_S = 20.0


def ask_program(*command: str) -> str | None:
    """What a program says; None where there is none, or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
