"""Which updates need a restart, as far as that can be known before they are installed."""

from __future__ import annotations

from reconciler.model.updates import Update

_RESTARTING = ("linux", "kernel")


def needs_restart(update: Update) -> bool:
    """Guess that a kernel needs a restart and nothing else does: no source tells."""
    return update.product.startswith(_RESTARTING)
