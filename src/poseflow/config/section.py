"""What every config section has in common."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, model_validator


class Section(BaseModel):
    """A config section: immutable, and a misspelled key is refused, with the nearest right one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_booleans_as_numbers(cls, values: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        """YAML's yes is true, and pydantic takes that for 1."""
        made = check(values)
        if isinstance(values, Mapping):
            for key, value in values.items():
                for place in _find_booleans(value, getattr(made, str(key), None), str(key)):
                    raise ValueError(f"{place} must be a number, got true or false (YAML's yes, no, on and off)")
        return made

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, values: Any) -> Any:
        if values is None:  # a section whose keys are all commented out
            return {}
        if isinstance(values, dict):
            known = cls.known_keys()
            for key in values.keys() - set(known):
                near = get_close_matches(str(key), known, n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"key must be one of {', '.join(known)}, got {key!r}{hint}")
        return values

    @classmethod
    def known_keys(cls) -> list[str]:
        """Settings that there are."""
        return list(cls.model_fields)


def _find_booleans(given: Any, made: Any, place: str) -> Iterator[str]:
    """Where, in what YAML gave, there is true or false for which a number was made."""
    if isinstance(given, bool):
        if isinstance(made, int | float) and not isinstance(made, bool):
            yield place
    elif isinstance(given, Mapping) and isinstance(made, Mapping):
        for key in given.keys() & made.keys():
            yield from _find_booleans(given[key], made[key], f"{place}.{key}")
    elif isinstance(given, list | tuple) and isinstance(made, list | tuple):
        for one, other in zip(given, made, strict=False):
            yield from _find_booleans(one, other, place)
