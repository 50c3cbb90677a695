"""Who is told of what happens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Strict, StringConstraints, Tag

from reconciler.kinds.base import Document, Model
from reconciler.kinds.custom_fields import MailAddress, WebAddress
from reconciler.kinds.fields import Label, Text
from reconciler.kinds.forms import Forms

EventName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]{1,62}$")]


class Webhook(Model):
    """A URL that is called; its secret is configured on the site, never written here."""

    url: WebAddress = Field(description="Where events are posted to.")
    secret_ref: Label | None = Field(
        default=None, description="Name of the site's secret that signs them."
    )


class EmailTarget(Model):
    """A mail to an address."""

    email: MailAddress = Field(description="The address.")


class WebhookTarget(Model):
    """A call of a URL."""

    webhook: Webhook = Field(description="What is called.")


_FORMS = Forms({"email": "EmailTarget", "webhook": "WebhookTarget"})
Target = Annotated[
    Annotated[EmailTarget, Tag("EmailTarget")] | Annotated[WebhookTarget, Tag("WebhookTarget")],
    Discriminator(_FORMS.of),
    BeforeValidator(_FORMS.check),
]


class SubscriptionSpec(Model):
    """Which events go to whom."""

    events: Annotated[tuple[EventName, ...], Strict(strict=False)] = Field(
        min_length=1, description="Names of events, as PhaseOpened or Halted."
    )
    audience: Text | None = Field(
        default=None, description="Whose computers it is about, as owners; without it, all."
    )
    to: Annotated[tuple[Target, ...], Strict(strict=False)] = Field(
        min_length=1, description="Where they are sent to."
    )


class Subscription(Document):
    """Who is told of what happens."""

    kind: Literal["Subscription"] = Field(description="Subscription")
    spec: SubscriptionSpec = Field(description="Which events go to whom.")
