#!/usr/bin/env bash
# Snakemake runs this in the new environment, from the project's folder.
set -euo pipefail
pip install --no-deps .
