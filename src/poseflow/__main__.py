"""`python -m poseflow`: the command, where it is not on the PATH."""

from poseflow.cli import main

main()
