"""The phases that bring an authorization to collections, with gates between them (S12-S17)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from reconciler.kinds.base import Document
from reconciler.kinds.faults import fault
from reconciler.kinds.fields import Label
from reconciler.kinds.forms import given
from reconciler.kinds.rollout_strategy import RolloutStrategySpec
from reconciler.model.codes import Code


class RolloutSpec(RolloutStrategySpec):
    """An ordered list of phases that bring an authorization to collections."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [given("phases"), given("strategy")]})

    authorization: Label = Field(description="Name of the Authorization.")

    @model_validator(mode="after")
    def _check_phases(self) -> Self:
        """Phases may come from a strategy only where there is one."""
        if not self.phases and self.strategy is None:
            hint = "write phases, or name a strategy that has them"
            raise fault(Code.MISSING_FIELD, "phases is required and missing", hint)
        return self


class Rollout(Document):
    """An ordered list of phases with gates between them."""

    kind: Literal["Rollout"] = Field(description="Rollout")
    spec: RolloutSpec = Field(description="What is rolled out to whom, in which order.")
