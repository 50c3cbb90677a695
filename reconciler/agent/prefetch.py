"""Content that is on the disk before its run may start, so that a window is used to install."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.agent.due import has_work
from reconciler.agent.errors import AgentError, SiteUnreachableError
from reconciler.agent.machine import Machine
from reconciler.agent.provision import provide
from reconciler.model.errors import ContentError
from reconciler.model.objects import PackageManifest
from reconciler.model.policy import Offer, Policy

_Key = tuple[str, tuple[str, ...]]


class Prefetcher:
    """Brings the files of each offer onto the disk once, and deletes those of no offer."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._fetched: set[_Key] = set()

    def fetch(self, policy: Policy) -> None:
        """Fetch what is missing here; raises SiteUnreachableError, then it is tried again.

        What cannot be prepared is told when its run is due, as it may be mended until then.
        """
        keys = {_key_of(offer) for offer in policy.offers}
        if self._fetched - keys:
            self._fetched &= keys
            self._machine.content.keep_only(self._wanted(policy))
        for offer in policy.offers if policy.enforce else ():
            key = _key_of(offer)
            if key not in self._fetched and has_work(offer, self._machine.journal.memory):
                self._prepare(offer)
                self._fetched.add(key)

    def _prepare(self, offer: Offer) -> None:
        machine = self._machine
        if machine.packages.describe_holder():
            return
        try:
            provide(machine, offer)
        except SiteUnreachableError:
            raise
        except (AgentError, ContentError, OSError) as error:
            machine.log.info("not prepared yet", rollout=offer.rollout, problem=error)

    def _wanted(self, policy: Policy) -> set[str]:
        offered = {digest for offer in policy.offers for digest in self._files_of(offer.manifest)}
        return {*offered, policy.scan.catalog or ""}

    def _files_of(self, manifest: str) -> Iterator[str]:
        yield manifest
        if self._machine.content.holds(manifest):
            found = self._machine.content.fetch_document(PackageManifest, manifest)
            yield from (file.sha256 for file in found.files)


def _key_of(offer: Offer) -> _Key:
    return offer.manifest, tuple(update.id for update in offer.updates)
