"""A question that the console answers again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import Duration, Text, schema_of
from reconciler.kinds.select_text import complaint_about
from reconciler.model.codes import Code


def _check_query(value: object) -> str:
    """Take one statement that only reads (S24)."""
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected a query, found {describe_type(value)}")
    complaint = complaint_about(value)
    if complaint:
        hint = "write one SELECT over the documented views"
        raise fault(Code.BAD_REPORT_QUERY, complaint, hint)
    return value


SelectText = Annotated[
    str, BeforeValidator(_check_query), schema_of(r"[\s\S]*\S[\s\S]*", "One SELECT statement.")
]


class ReportSpec(Model):
    """What is asked, and how often."""

    title: Text = Field(description="What the answer shows.")
    query: SelectText = Field(description="One SELECT statement; it may only read.")
    refresh: Duration = Field(
        default=timedelta(minutes=15), description="How often it is answered anew."
    )


class Report(Document):
    """A question that is answered again and again."""

    kind: Literal["Report"] = Field(description="Report")
    spec: ReportSpec = Field(description="What is asked.")
