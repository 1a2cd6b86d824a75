"""What all messages have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Json = Any
"""A value of JSON, of whatever form."""


class Message(BaseModel):
    """A message: immutable, and a misspelled key is an error. What is not a number is written as null."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Fault(Message):
    """Why a request was refused."""

    error: str
    """A word for programs, such as `unknown`."""
    message: str
    """A sentence for people."""
    detail: Json = None


class Session(Message):
    """What a tab is told first."""

    project: str
    path: str
    version: str
    author: str
    read_only: bool
    slurm: bool
    profiles: list[str]
    views: list[str]
    hostname: str
    started: str


class SkeletonFacts(Message):
    """Nodes by name; edges and symmetries as pairs of places in `nodes`."""

    nodes: list[str]
    edges: list[tuple[int, int]]
    symmetries: list[tuple[int, int]]
