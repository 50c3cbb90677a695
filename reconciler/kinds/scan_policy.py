"""How often computers scan and report (S10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, Strict

from reconciler.kinds.base import Document, Model
from reconciler.kinds.custom_fields import AbsolutePath
from reconciler.kinds.fields import Duration, Label, Labels
from reconciler.kinds.not_yet import NotYet


class ScanRecurrence(Model):
    """How often each class of machine scans."""

    server: Duration = Field(default=timedelta(hours=12), description="For servers.")
    workstation: Duration = Field(default=timedelta(days=3), description="For workstations.")
    portable: Duration = Field(default=timedelta(days=3), description="For portable machines.")


class StaleAfter(Model):
    """How old a scan of each class may be and still count."""

    server: Duration = Field(default=timedelta(days=1), description="For servers.")
    workstation: Duration = Field(default=timedelta(days=7), description="For workstations.")
    portable: Duration = Field(default=timedelta(days=14), description="For portable machines.")


class Inventory(Model):
    """What agents list beside facts (A2)."""

    software: bool = Field(default=True, description="Installed packages and their versions.")
    executables: Annotated[tuple[AbsolutePath, ...], Strict(strict=False)] = Field(
        default=(), max_length=100, description="Patterns of paths whose programs are listed."
    )


class ScanPolicySpec(Model):
    """How often the computers of a collection scan and report (S10)."""

    collection: Label = Field(description="Name of the Collection that it is for.")
    sources: Annotated[Labels, NotYet("computers scan for the updates of every source")] = Field(
        default=(), description="CatalogSources to scan for; none = all."
    )
    recurrence: ScanRecurrence = Field(
        default=ScanRecurrence(), description="How often each class of machine scans."
    )
    first_scan_within: Duration = Field(
        default=timedelta(hours=2), description="How soon a new computer scans."
    )
    on_new_catalog: Annotated[
        Literal["spread", "at-once"],
        NotYet("scans for a new catalog are spread", carried_out=("spread",)),
    ] = Field(default="spread", description="When to scan for a new catalog.")
    report_every: Duration = Field(
        default=timedelta(minutes=15), description="How often state messages are sent."
    )
    stale_after: StaleAfter = Field(
        default=StaleAfter(), description="When a scan is too old to count as evidence."
    )
    inventory: Inventory | None = Field(default=None, description="What agents list beside facts.")


class ScanPolicy(Document):
    """How often the computers of a collection scan and report."""

    kind: Literal["ScanPolicy"] = Field(description="ScanPolicy")
    spec: ScanPolicySpec = Field(description="Who scans, how often, and how long that counts.")
