"""What every config section has in common."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A config section: immutable, and a misspelt key is an error that names the nearest right one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, values: Any) -> Any:
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
