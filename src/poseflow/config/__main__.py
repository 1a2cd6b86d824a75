"""Write what is generated from the settings' descriptions: `make schema` runs `python -m poseflow.config`."""

from pathlib import Path

from poseflow.config.reference import generated_files
from poseflow.core.files import replacing

for path, text in generated_files().items():
    with replacing(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")
