"""The policy that the agent verified itself before it kept it."""

from __future__ import annotations

import json
from typing import Optional

from reconciler.agent.memory import Memory
from reconciler.model.codec import decode
from reconciler.model.policy import Policy


def read_kept_policy(memory: Memory) -> Optional[Policy]:
    """Give it; nothing where there is none, or none that this release can read."""
    if memory.policy is None:
        return None
    try:
        return decode(Policy, json.loads(memory.policy.payload))
    except ValueError:
        return None
