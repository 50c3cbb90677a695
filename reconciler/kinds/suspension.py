"""A person's order to pause; all kinds that have one act alike (S8)."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from reconciler.kinds.base import Model
from reconciler.kinds.fields import Instant, Text


class Suspension(Model):
    """Holds advertisements, opens nothing and stops gates, until lifted or until an instant."""

    reason: Text = Field(description="Why it is suspended.")
    by: Text = Field(description="Who suspended it.")
    until: Instant | None = Field(default=None, description="When it ends by itself.")

    def is_in_force(self, now: datetime) -> bool:
        """Tell whether it holds at the instant."""
        return self.until is None or now < self.until
