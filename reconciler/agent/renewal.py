"""The agent's credential, renewed before it grows old."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.agent.client import Site
from reconciler.agent.home import Home, Identity
from reconciler.agent.log import Log

RENEW_AFTER = timedelta(days=30)
"""How old a credential becomes before the agent asks for another one."""


class Renewal:
    """Asks the site for a new credential, and uses it once it is on the disk.

    The one before stays good until the new one is used for the first time, so that a crash at
    any point leaves the agent with one that works.
    """

    def __init__(self, home: Home, site: Site, identity: Identity, log: Log) -> None:
        self._home = home
        self._site = site
        self._identity = identity
        self._log = log

    def renew(self, now: datetime) -> None:
        """Renew where it is due; raises as `Site.renew_credential` does, and AgentError."""
        since = self._identity.renewed_at
        if since is None or now < since:
            self._keep(replace(self._identity, renewed_at=now))
        elif now >= since + RENEW_AFTER:
            credential = self._site.renew_credential()
            self._keep(replace(self._identity, credential=credential, renewed_at=now))
            self._site.use(credential)
            self._log.info("credential renewed")

    def _keep(self, identity: Identity) -> None:
        self._home.save_identity(identity)
        self._identity = identity
