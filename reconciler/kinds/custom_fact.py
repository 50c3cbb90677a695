"""A fact that computers find out by a command or from a file."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag

from reconciler.kinds.base import Document, Model
from reconciler.kinds.custom_fields import AbsolutePath, Argv, Expression
from reconciler.kinds.fields import Duration, Label
from reconciler.kinds.forms import Forms

FactName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$", max_length=200)
]


class CommandProbe(Model):
    """What a command prints, without the line's end."""

    command: Argv = Field(description="The command and its arguments; no shell reads it.")


class FileProbe(Model):
    """What the first group of an expression finds in a file."""

    file: AbsolutePath = Field(description="The file to read.")
    match: Expression = Field(description="RE2 with one group, which is the value.")


_FORMS = Forms({"command": "CommandProbe", "file": "FileProbe"})
Probe = Annotated[
    Annotated[CommandProbe, Tag("CommandProbe")] | Annotated[FileProbe, Tag("FileProbe")],
    Discriminator(_FORMS.of),
    BeforeValidator(_FORMS.check),
]


class CustomFactSpec(Model):
    """What the fact is, and how a computer finds it out."""

    name: FactName = Field(description="The fact's name in queries, as ts.appMode.")
    type: Literal["text", "integer", "number", "boolean", "version"] = Field(
        description="Type of the value; what cannot be read so counts as absent."
    )
    probe: Probe = Field(description="A command, or a file with an expression.")
    collection: Label | None = Field(
        default=None, description="Whose computers find it out; without it, all."
    )
    every: Duration = Field(default=timedelta(days=1), description="How often it is found out.")


class CustomFact(Document):
    """A fact of one's own."""

    kind: Literal["CustomFact"] = Field(description="CustomFact")
    spec: CustomFactSpec = Field(description="What it is, and how it is found out.")
