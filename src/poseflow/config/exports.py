"""Formats that poses are written in for other programs, and the config section `subject`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from poseflow.config.section import Section
from poseflow.core.registry import Registry

WRITERS = Registry[Any](
    "writers",
    "the format of a file of poses",
    aniframe="poseflow.exchange.aniframe:write_aniframe",
    coco="poseflow.exchange.coco:write_coco",
    csv="poseflow.exchange.csv:write_csv",
    csv_long="poseflow.exchange.csv:write_csv_long",
    deeplabcut_csv="poseflow.exchange.deeplabcut:write_deeplabcut_csv",
    deeplabcut_h5="poseflow.exchange.deeplabcut:write_deeplabcut_h5",
    keypoint_moseq="poseflow.exchange.deeplabcut:write_keypoint_moseq",
    movement="poseflow.exchange.movement:write_movement",
    nwb="poseflow.exchange.nwb:write_nwb",
    nwb_animals="poseflow.exchange.nwb:write_nwb_animals",
    sleap_analysis="poseflow.exchange.sleap_analysis:write_sleap_analysis",
    slp="poseflow.exchange.slp:write_slp",
)
"""Functions that write poses to a file or folder (`poseflow.exchange.writer.Writer`), by the name of their format."""

SUFFIXES = {
    "aniframe": ".aniframe.parquet",
    "coco": ".coco",
    "csv_long": ".long.csv",
    "deeplabcut_csv": "DLC_poseflow.csv",
    "deeplabcut_h5": "DLC_poseflow.h5",
    "keypoint_moseq": ".kpms",
    "movement": ".nc",
    "nwb_animals": ".animals.nwb",
    "sleap_analysis": ".analysis.h5",
}
"""What the names of files of a format end with, where that is not its name after a dot."""


FOLDERS = frozenset({"coco", "keypoint_moseq", "nwb_animals"})
"""Formats that are a folder of files; those of other packages are one file."""

NEED_SUBJECT = frozenset({"nwb", "nwb_animals"})
"""Formats that say what the section `subject` does."""


def suffix_of(format: str) -> str:
    """What the name of a file, or folder, of a format ends with."""
    return SUFFIXES.get(format, f".{format}")


def _check_formats(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError(f"each format must be named once, got {', '.join(names)}")
    return names


FormatNames = Annotated[tuple[Annotated[str, AfterValidator(WRITERS.check)], ...], AfterValidator(_check_formats)]


class SubjectConfig(Section):
    """What is known about the animals: archives (NWB, DANDI) ask for it, nothing else does."""

    species: str = Field(
        "http://purl.obolibrary.org/obo/NCBITaxon_33208",
        pattern=r"^([A-Z][a-z]+ [a-z]+|http://purl\.obolibrary\.org/obo/NCBITaxon_\d+)$",
        description="Latin name, or the NCBI taxonomy's link; the default says that it is an animal.",
        examples=["Mus musculus"],
    )
    sex: Literal["M", "F", "U", "O"] = Field("U", description="M, F, U (unknown) or O (other).")
    age: str = Field(
        "P0D/",
        pattern=r"^P(\d+[YMWD])+(T(\d+[HMS])+)?(/(P(\d+[YMWD])+)?)?$",
        description="As an ISO 8601 duration, or a range of two; the default says that it is not known.",
        examples=["P90D"],
    )
    description: str | None = Field(None, description="Whatever else there is to say of the animals.")
