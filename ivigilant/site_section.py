"""A part of the site file."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Settings that belong together; an unknown one among them is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
