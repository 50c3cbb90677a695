"""One table of records, whatever their type."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from pyroaring import FrozenBitMap

revision = "0002"
down_revision = "0001"

_KINDS = {
    "release": ("Release", ("rollout", "number")),
    "phase": ("PhaseRecord", ("rollout", "release", "phase")),
    "membership": ("Membership", ("rollout", "release", "phase")),
    "resume_token": ("SeenToken", ("rollout", "token")),
    "package": ("Package", ("id", "version")),
    "program": ("Program", ("package", "version", "name")),
    "advertisement": ("Advertisement", ("id",)),
    "content_assignment": ("ContentAssignment", ("package", "version", "point")),
}


def upgrade() -> None:
    op.create_table(
        "record",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_record")),
    )
    connection = op.get_bind()
    insert = sa.text("INSERT INTO record (kind, key, body) VALUES (:kind, :key, :body)")
    for table, (kind, key) in _KINDS.items():
        for row in connection.execute(sa.text(f"SELECT * FROM {table}")).mappings():  # noqa: S608  # a name of ours
            names = _text([row[name] for name in key])
            connection.execute(insert, {"kind": kind, "key": names, "body": _body(kind, dict(row))})
        op.drop_table(table)


def _body(kind: str, row: Mapping[str, Any]) -> str:
    if kind == "Membership":
        return _text(_membership(row))
    body = json.loads(row["body"])
    if kind == "Advertisement":
        available = body.pop("user")
        body["order"] = _order(available=available)
    return _text(body)


def _membership(row: Mapping[str, Any]) -> dict[str, Any]:
    """Instants by computer become computers by instant."""
    who: defaultdict[str, list[int]] = defaultdict(list)
    for ordinal, moment in json.loads(row["entered_at"]).items():
        who[moment].append(int(ordinal))
    return {
        "rollout": row["rollout"],
        "release": row["release"],
        "phase": row["phase"],
        "members": b64encode(row["members"]).decode(),
        "entered": [[at, _bits(ordinals)] for at, ordinals in sorted(who.items())],
        "joined": [],
        "capped": [],
    }


def _bits(ordinals: list[int]) -> str:
    return b64encode(FrozenBitMap(ordinals).serialize()).decode()


def _order(*, available: bool) -> dict[str, Any]:
    return {
        "restart": {"servers": "suppress", "workstations": "if-required", "grace": 0},
        "user": {"available": available, "postpone": True, "reminders": []},
        "hooks": {"before": "", "after": "", "timeout": 600},
        "content": "captured",
        "spread": 0,
        "overrideWindows": False,
    }


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
