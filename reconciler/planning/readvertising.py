"""Orders to run a phase once more (S16)."""

from __future__ import annotations

from datetime import datetime

from reconciler.model.rollouts import Rerun
from reconciler.planning.actions import Cause, Verb
from reconciler.planning.draft import Draft
from reconciler.planning.world import World


def readvertise(world: World, draft: Draft) -> None:
    """Act once on each token that was not seen before for its phase (S16).

    Whatever is offered there then runs once more, also on computers where it has run.
    """
    for name, placed in world.desired.readvertises.items():
        spec = placed.document.spec
        if (spec.rollout, spec.phase, spec.token) in draft.reruns:
            continue
        because = f"it is to run once more: {spec.reason or 'no reason given'}"
        cause = Cause("Readvertise", name, placed.at, placed.changed_in, "S16", because)
        seen = Rerun(spec.rollout, spec.phase, spec.token, world.now)
        draft.act(Verb.READVERTISE, seen, cause)


def rerun_of(draft: Draft, rollout: str, phase: str, opened_at: datetime) -> datetime | None:
    """Give when the phase was last ordered to run once more, since it opened."""
    ordered = (
        one.seen_at for one in draft.reruns.values() if (one.rollout, one.phase) == (rollout, phase)
    )
    return max((moment for moment in ordered if moment >= opened_at), default=None)
