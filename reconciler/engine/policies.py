"""Policies on demand, from what the store holds at one policy version (J1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from reconciler.engine.observer import load_catalog
from reconciler.model.errors import ProtocolError
from reconciler.model.policy import Policy
from reconciler.observed.catalog import Catalog
from reconciler.observed.memory import Memory
from reconciler.planning.guidance import Guidance
from reconciler.planning.policy import PolicySource, make_policy
from reconciler.store import View

SLICES = "slices"
_NO_GUIDANCE = Guidance(enforce=False, windows=(), scans=())


class PolicyDesk:
    """Assembles policies; what all of them share is read again only when it changed."""

    def __init__(self, site: str, lifetime: timedelta, poll_every: timedelta) -> None:
        self._site = site
        self._lifetime = lifetime
        self._poll_every = poll_every
        self._lock = Lock()
        self._source: PolicySource | None = None
        self._seen_version = -1
        self._catalog = Catalog()
        self._stamp = -1

    def policy_of(self, view: View, computer_id: str, now: datetime) -> Policy:
        """Give one computer's policy; ProtocolError 404 where there is no such computer."""
        computer = view.computers.find(computer_id)
        if computer is None:
            raise ProtocolError("no such computer", status=404)
        return make_policy(self._shared(view), computer, now)

    def _shared(self, view: View) -> PolicySource:
        version = view.site_policy_version()
        with self._lock:
            if self._source is None or self._seen_version != version:
                self._source = self._read(view)
                self._seen_version = version
            return self._source

    def _read(self, view: View) -> PolicySource:
        stamp = view.catalog.stamp()
        if stamp != self._stamp:
            self._catalog, self._stamp = load_catalog(view), stamp
        memory: Memory = view.records.load_memory()
        slices: Mapping[str, str] = view.documents.load(SLICES) or {}
        return PolicySource(
            site=self._site,
            version=view.policy_version(),
            memory=memory,
            catalog=self._catalog,
            guidance=view.documents.load_guidance() or _NO_GUIDANCE,
            slices=slices,
            lifetime=self._lifetime,
            poll_every=self._poll_every,
        )
