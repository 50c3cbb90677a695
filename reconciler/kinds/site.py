"""A server that owns computers (B1)."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict

from reconciler.kinds.base import Document, Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import Label, SiteCode, Texts, WallTime, schema_of
from reconciler.kinds.not_yet import NotYet
from reconciler.kinds.timezones import Timezone
from reconciler.model.codes import Code


def _check_subnet(value: object) -> str:
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected a subnet, found {describe_type(value)}")
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        hint = "write a network such as 10.1.0.0/16, without host bits"
        raise fault(Code.BAD_SUBNET, f"{value!r:.80} is not a subnet", hint) from error
    return value


Subnet = Annotated[
    str,
    BeforeValidator(_check_subnet),
    schema_of(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?", "A network, as 10.1.0.0/16."),
]
BandwidthText = Annotated[
    str, Field(pattern=r"^[1-9][0-9]{0,8}(B|kB|MB|GB)/s$", description="As 2MB/s.")
]


class Bandwidth(Model):
    """How much may be sent to the site between two wall times."""

    from_: WallTime = Field(description="From this wall time of the site.")
    to: WallTime = Field(description="Until this wall time of the site.")
    limit: BandwidthText = Field(description="At most so many bytes a second, as 2MB/s.")


class SiteSpec(Model):
    """A server that owns computers, and how it treats them."""

    code: SiteCode = Field(description="Begins the id of every object of the site; never changed.")
    parent: Annotated[Label | None, NotYet("the site stands alone")] = Field(
        default=None, description="Name of the Site above it."
    )
    subnets: Annotated[
        tuple[Subnet, ...],
        Strict(strict=False),
        NotYet("every computer that enrols belongs to the site"),
    ] = Field(default=(), description="Networks whose computers belong to the site.")
    timezone: Timezone | None = Field(
        default=None, description="Zone of computers that tell none; without it, UTC."
    )
    windowless: Literal["never", "always"] = Field(
        default="never", description="When computers without any window may be changed."
    )
    mode: Literal["observe", "enforce"] = Field(
        default="observe", description="observe: nothing is installed; enforce: it is."
    )
    bandwidth: Annotated[
        tuple[Bandwidth, ...], Strict(strict=False), NotYet("nothing is limited")
    ] = Field(default=(), description="Limits of what is sent to the site.")
    administrators: Annotated[Texts, NotYet("rights come from the repository alone")] = Field(
        default=(), description="Who may administer the site."
    )


class Site(Document):
    """A server that owns computers."""

    kind: Literal["Site"] = Field(description="Site")
    spec: SiteSpec = Field(description="Which computers it owns, and how it treats them.")
