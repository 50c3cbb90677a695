"""What a rollout and its phase say of how a run is done, as an order to agents (S17, S18)."""

from __future__ import annotations

from reconciler.kinds.phase import Phase
from reconciler.kinds.rollout_settings import Content, Hooks, Restart, User
from reconciler.kinds.rollout_strategy import RolloutStrategySpec
from reconciler.model.orders import HookOrder, Reminder, RestartOrder, RunOrder, UserRights


def order_of(
    spec: RolloutStrategySpec, phase: Phase, *, emergency: bool, override_windows: bool
) -> RunOrder:
    """Give the order for one phase: what the phase says itself stands in place of the rollout's."""
    content = phase.content or spec.content or Content()
    return RunOrder(
        restart=_restart(phase.restart or spec.restart or Restart()),
        user=_user(phase.user or spec.user or User()),
        hooks=_hooks(spec.hooks),
        content=content.mode,
        spread=phase.spread,
        emergency=emergency,
        override_windows=override_windows,
    )


def _restart(asked: Restart) -> RestartOrder:
    return RestartOrder(asked.servers, asked.workstations, asked.grace)


def _user(asked: User) -> UserRights:
    reminders = tuple(Reminder(notice.before, notice.every) for notice in asked.notify)
    return UserRights(asked.available, asked.postpone, reminders)


def _hooks(asked: Hooks | None) -> HookOrder:
    if asked is None:
        return HookOrder()
    return HookOrder(asked.before or "", asked.after or "", asked.timeout)
