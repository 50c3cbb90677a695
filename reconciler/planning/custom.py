"""Whom updates of one's own are for, and who looks for them (E2)."""

from __future__ import annotations

from collections.abc import Mapping

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.custom import custom_id, custom_updates
from reconciler.desired.state import DesiredState
from reconciler.model.custom import ABILITIES_FACT, CUSTOM, DetectOrder
from reconciler.model.messages import FactValue
from reconciler.observed.memo import Memo
from reconciler.observed.part import AnyFleet
from reconciler.planning.collections import Collections
from reconciler.planning.conditions import Condition, ConditionType
from reconciler.planning.guidance import DetectClass


def custom_targets(desired: DesiredState, collections: Collections) -> Mapping[str, FrozenBitMap]:
    """Give, by the id of each CustomUpdate, the computers that its `appliesTo` selects."""
    return {
        custom_id(placed): collections.selected(
            f"CustomUpdate/{name}", placed.document.spec.applies_to.query
        )
        for name, placed in desired.custom_updates.items()
    }


def detect_classes(
    desired: DesiredState, targets: Mapping[str, FrozenBitMap], memo: Memo
) -> tuple[DetectClass, ...]:
    """Give each CustomUpdate with who looks for it: whom it is for, where agents can."""
    able = _able(memo)
    return tuple(
        DetectClass(
            FrozenBitMap(targets[update.id] & able), DetectOrder(update.id, update.custom.detection)
        )
        for update in custom_updates(desired)
        if update.custom is not None
    )


def tell_unable(
    desired: DesiredState, targets: Mapping[str, FrozenBitMap], memo: Memo
) -> tuple[Condition, ...]:
    """Tell which CustomUpdates wait for newer agents."""
    able, found = _able(memo), []
    for name, placed in desired.custom_updates.items():
        unable = len(targets[custom_id(placed)] - able)
        if unable:
            message = f"the agents of {unable} computer(s) that it is for are too old for it"
            found.append(Condition(f"CustomUpdate/{name}", ConditionType.AGENT_TOO_OLD, message))
    return tuple(found)


def is_able(abilities: FactValue | None) -> bool:
    """Tell by what an agent reports whether it can see and run updates of one's own."""
    return isinstance(abilities, tuple) and CUSTOM in abilities


def _able(memo: Memo) -> FrozenBitMap:
    """Give the computers whose agents can see and run updates of one's own."""

    def select(fleet: AnyFleet) -> BitMap:
        column = fleet.fact(ABILITIES_FACT)
        return BitMap() if column is None else fleet.enrolled & column.where(is_able)

    return memo.members("able of custom updates", (), select)
