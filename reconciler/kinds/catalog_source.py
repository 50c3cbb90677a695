"""Where updates become known (A5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import Duration, Label, Text, Texts, schema_of
from reconciler.kinds.not_yet import NotYet
from reconciler.model.codes import Code

_SCHEMES = frozenset({"http", "https", "file"})


def _check_location(value: object) -> str:
    """Refuse what is no URL or absolute path, and secrets, which do not belong into git."""
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected a location, found {describe_type(value)}")
    if value.startswith("/") and value.isprintable():
        return value
    try:
        url = urlsplit(value)
        known = url.scheme in _SCHEMES and bool(url.netloc or url.scheme == "file")
        secret = "@" in url.netloc
    except ValueError:
        known = secret = False
    if not known or not value.isprintable() or " " in value:
        hint = "write an http, https or file URL, or an absolute path"
        raise fault(Code.BAD_LOCATION, "it is no URL and no absolute path", hint)
    if secret:
        raise fault(Code.BAD_LOCATION, "it holds credentials", "keep them out of git")
    return value


SourceLocation = Annotated[
    str,
    BeforeValidator(_check_location),
    schema_of(r"/.*|https?://[^@\s/]+(/\S*)?|file:/\S*", "A URL or an absolute path."),
]


class CatalogSourceSpec(Model):
    """One source of updates: where it is, what of it counts, how often it is read."""

    type: Literal["apt", "osv", "updateinfo", "directory"] = Field(
        description="Form of the source."
    )
    location: SourceLocation = Field(description="URL or absolute path of the source.")
    suites: Texts = Field(
        default=(), description="Suites of an apt archive, or rpm repositories below the location."
    )
    architectures: Texts = Field(
        default=(), description="Architectures to read (apt, updateinfo); none = all there are."
    )
    releases: Texts = Field(
        default=(),
        description="Operating-system releases that the packages are for, as almalinux-9"
        " (updateinfo, which must have them).",
    )
    products: Texts = Field(default=(), description="Products to read; none = all.")
    classifications: Texts = Field(default=(), description="Classifications to read; none = all.")
    schedule: Duration = Field(default=timedelta(days=7), description="How often it is read.")
    after: Annotated[Label | None, NotYet("each source is read by itself")] = Field(
        default=None, description="A CatalogSource that must be read before this one."
    )
    signed_by: Text | None = Field(
        default=None,
        description="Path of the keyring whose keys must have signed the index (apt, updateinfo);"
        " absolute, or relative to the site's settings.",
    )


class CatalogSource(Document):
    """Where updates become known."""

    kind: Literal["CatalogSource"] = Field(description="CatalogSource")
    spec: CatalogSourceSpec = Field(description="Where it is, and how often it is read.")
