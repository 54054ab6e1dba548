"""What every part of the settings is: frozen, and closed to unknown keys and infinities."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A table of a study file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
