"""An update that no catalog knows: how to see, install and remove it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Strict, Tag

from reconciler.kinds.base import Document, Model
from reconciler.kinds.custom_fields import (
    AbsolutePath,
    Argv,
    Digest,
    ExitCodes,
    Expression,
    RelativePath,
)
from reconciler.kinds.fields import DateOrInstant, Duration, Text, Texts
from reconciler.kinds.forms import Forms
from reconciler.kinds.query import Query

SeverityWord = Literal[
    "none",
    "negligible",
    "unset",
    "low",
    "moderate",
    "medium",
    "important",
    "high",
    "critical",
]
VersionBound = Annotated[
    str, Field(pattern=r"^(>=|<=|>|<|=)?[0-9A-Za-z][0-9A-Za-z.+~:^_-]*$", description="As >=2.1.")
]

OwnVersion = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+~:_-]*$", max_length=100, description="As 2.1.")
]


class AppliesTo(Model):
    """Which computers the update is for."""

    query: Query = Field(description="Selects computers, as in a Collection.")


class CommandDetect(Model):
    """Installed where a command's output fits."""

    command: Argv = Field(description="The command and its arguments; no shell reads it.")
    expect: Expression = Field(description="RE2 that fits the whole output.")


class FileDetect(Model):
    """Installed where a file has the digest."""

    file: AbsolutePath = Field(description="The file to look at.")
    sha256: Digest = Field(description="Its digest when the update is installed.")


class PackageDetect(Model):
    """Installed where a package has the version."""

    package: Text = Field(description="Name of the package.")
    version: VersionBound = Field(description="Its version, or a bound such as >=2.1.")


_FORMS = Forms({"command": "CommandDetect", "file": "FileDetect", "package": "PackageDetect"})
Detect = Annotated[
    Annotated[CommandDetect, Tag("CommandDetect")]
    | Annotated[FileDetect, Tag("FileDetect")]
    | Annotated[PackageDetect, Tag("PackageDetect")],
    Discriminator(_FORMS.of),
    BeforeValidator(_FORMS.check),
]


class ContentFile(Model):
    """One file that the installation needs."""

    path: RelativePath = Field(description="Where it lies in the content's folder.")
    sha256: Digest = Field(description="Its digest; other content is never run.")


class CustomUpdateSpec(Model):
    """What the update is, whom it is for, and how it is installed."""

    product: Text = Field(description="What it updates.")
    version: OwnVersion = Field(description="The version that it brings; its id ends with it.")
    severity: SeverityWord | None = Field(default=None, description="As important.")
    released: DateOrInstant | None = Field(default=None, description="A date or an instant.")
    applies_to: AppliesTo = Field(description="Which computers it is for.")
    detect: Detect = Field(description="How to see that it is installed.")
    install: Argv = Field(description="The command that installs it, run in the content's folder.")
    uninstall: Argv | None = Field(default=None, description="The command that removes it.")
    success: ExitCodes = Field(
        default=(0,), min_length=1, description="Exit codes that mean: done."
    )
    restart: ExitCodes = Field(
        default=(), description="Exit codes that mean: done, restart needed."
    )
    max_runtime: Duration = Field(
        default=timedelta(hours=1), description="The longest run; a window must have room for it."
    )
    content: Annotated[tuple[ContentFile, ...], Strict(strict=False)] = Field(
        default=(), description="The files that it needs, from the folder of its name."
    )
    supersedes: Texts = Field(default=(), description="Ids of updates that it replaces.")


class CustomUpdate(Document):
    """An update of one's own."""

    kind: Literal["CustomUpdate"] = Field(description="CustomUpdate")
    spec: CustomUpdateSpec = Field(description="What it is, and how it is installed.")
