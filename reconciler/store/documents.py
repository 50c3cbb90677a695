"""Small named JSON values, and what computers are told beside advertisements."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select

from reconciler.model.codec import encode
from reconciler.model.custom import DetectOrder
from reconciler.model.errors import StoreError
from reconciler.model.policy import InventoryOrder, ProbeOrder, Windows
from reconciler.planning.guidance import (
    BudgetDomain,
    DetectClass,
    Guidance,
    ProbeClass,
    ScanClass,
    WaivedUpdate,
    WindowClass,
)
from reconciler.store.counters import Counters
from reconciler.store.record_rows import bits_text, cohorts_json, parse_bits, parse_cohorts
from reconciler.store.rows import Json, from_json, revive, to_json, upsert
from reconciler.store.schema import document

_GUIDANCE = "guidance"


class DocumentRepository:
    """Values that are only ever read and replaced as a whole."""

    def __init__(self, connection: Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def save(self, name: str, value: Json) -> None:
        """Replace the JSON value of that name; an equal one changes nothing."""
        self._replace(name, to_json(value))

    def load(self, name: str) -> Json:
        """Give the JSON value of that name, or None."""
        body = self._body(name)
        return None if body is None else from_json(body, f"document {name!r}")

    def save_guidance(self, guidance: Guidance) -> None:
        """Replace the guidance; policies change only where it differs."""
        if self._replace(_GUIDANCE, to_json(_guidance_json(guidance))):
            self._counters.mark_site_policy()

    def load_guidance(self) -> Guidance | None:
        """Give the guidance of the newest plan, or None before the first."""
        value = self.load(_GUIDANCE)
        if value is None:
            return None
        try:
            return _parse_guidance(value)
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"the stored guidance cannot be read: {error}") from error

    def _body(self, name: str) -> str | None:
        return self._connection.scalar(select(document.c.body).where(document.c.name == name))

    def _replace(self, name: str, body: str) -> bool:
        if self._body(name) == body:
            return False
        row = {"name": name, "body": body}
        self._connection.execute(upsert(document, self._connection), row)
        return True


def _guidance_json(guidance: Guidance) -> Json:
    return {
        "enforce": guidance.enforce,
        "windows": [
            {
                "members": bits_text(one.members),
                "windows": encode(one.windows),
                "zone": one.zone,
                "emergency": encode(one.emergency),
            }
            for one in guidance.windows
        ],
        "scans": [
            {
                "members": bits_text(one.members),
                "every": encode(one.every),
                "firstWithin": encode(one.first_within),
                "reportEvery": encode(one.report_every),
                "inventory": encode(one.inventory),
            }
            for one in guidance.scans
        ],
        "probes": [
            {"members": bits_text(one.members), "probe": encode(one.probe)}
            for one in guidance.probes
        ],
        "detections": [
            {"members": bits_text(one.members), "order": encode(one.order)}
            for one in guidance.detections
        ],
        "budgets": [
            {
                "budget": one.budget,
                "value": one.value,
                "members": bits_text(one.members),
                "limit": one.limit,
                "phase": list(one.phase) if one.phase is not None else None,
            }
            for one in guidance.budgets
        ],
        "waivers": {
            update: {"waived": bits_text(one.waived), "ended": cohorts_json(one.ended)}
            for update, one in guidance.waivers.items()
        },
    }


def _parse_guidance(value: Json) -> Guidance:
    return Guidance(
        enforce=value["enforce"],
        windows=tuple(
            WindowClass(
                members=parse_bits(one["members"]),
                windows=_parse_windows(one["windows"]),
                zone=one.get("zone", "UTC"),
                emergency=_parse_windows(one["emergency"]) if one.get("emergency") else None,
            )
            for one in value["windows"]
        ),
        scans=tuple(
            ScanClass(
                members=parse_bits(one["members"]),
                every=timedelta(seconds=one["every"]),
                first_within=timedelta(seconds=one["firstWithin"]),
                report_every=timedelta(seconds=one["reportEvery"]),
                inventory=revive(InventoryOrder, one.get("inventory", {}), _GUIDANCE),
            )
            for one in value["scans"]
        ),
        probes=tuple(
            ProbeClass(parse_bits(one["members"]), revive(ProbeOrder, one["probe"], _GUIDANCE))
            for one in value.get("probes", ())
        ),
        detections=tuple(
            DetectClass(parse_bits(one["members"]), revive(DetectOrder, one["order"], _GUIDANCE))
            for one in value.get("detections", ())
        ),
        budgets=tuple(
            BudgetDomain(
                budget=one["budget"],
                value=one["value"],
                members=parse_bits(one["members"]),
                limit=one["limit"],
                phase=tuple(one["phase"]) if one["phase"] is not None else None,
            )
            for one in value.get("budgets", ())
        ),
        waivers={
            update: WaivedUpdate(parse_bits(one["waived"]), parse_cohorts(one["ended"]))
            for update, one in value.get("waivers", {}).items()
        },
    )


def _parse_windows(value: Json) -> Windows:
    return revive(Windows, value, _GUIDANCE)
