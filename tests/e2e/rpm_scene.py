"""A machine of the rhel family at a fake site, and what is captured and offered to it."""

import json
import os
from dataclasses import replace
from pathlib import Path
from shutil import copy2

from reconciler.catalog.rpm_reader import RpmReader
from reconciler.content.capture import capture
from reconciler.content.depot import Depot
from reconciler.fetch import Fetcher
from reconciler.model.codec import decode
from reconciler.model.objects import PackageManifest
from reconciler.model.policy import OfferedUpdate
from reconciler.model.updates import SliceUpdate, pins_of
from tests.e2e.agents import AgentOnMachine
from tests.e2e.fake_site import FakeSite, make_offer
from tests.e2e.rpm_machine import RpmMachine
from tests.e2e.rpms import AdvisoryText, RpmPackage, make_repository
from tests.unit.content.packages import A_PACKAGE


class Scene:
    """A machine of the rhel family with its agent at a fake site, and what is captured for it."""

    def __init__(
        self,
        folder: Path,
        site: FakeSite,
        url: str,
        agent: type[AgentOnMachine] = AgentOnMachine,
    ) -> None:
        self.folder = folder
        self.site = site
        self.machine = RpmMachine(folder / "machine")
        self.agent = agent(self.machine, url)
        self._captures = 0

    def offer(
        self,
        *packages: RpmPackage,
        authorized: tuple[RpmPackage, ...] = (),
        built: tuple[Path, ...] = (),
        content: str = "captured",
    ) -> None:
        """Capture the packages as a site does, and offer an advisory for each authorized one."""
        self._captures += 1
        folder = self.folder / f"repository-{self._captures}"
        folder.mkdir()
        for path in built:
            copy2(path, folder)
        chosen = authorized or packages
        advisories = tuple(
            AdvisoryText(
                id=f"ALSA-{one.name}-{one.evr}",
                packages=(one,),
                module=one.stream,
            )
            for one in chosen
        )
        make_repository(folder, *packages, advisories=advisories)
        reader = RpmReader("lab", str(folder), (), ("almalinux-9",), (), (), Fetcher(tries=1))
        index = reader.read().updates
        updates = [one for one in index if one.id.startswith("ALSA-")]
        depot = Depot(folder / "depot")
        digest, _ = capture(
            A_PACKAGE, updates, index, depot, Fetcher(tries=1), frozenset({os.uname().machine})
        )
        manifest = decode(PackageManifest, json.loads(depot.read(digest, 10_000_000)))
        for sha256 in (digest, *(file.sha256 for file in manifest.files)):
            self.site.put(depot.read(sha256, 10_000_000))
        offered = [OfferedUpdate(one.id, *pins_of(one.packages)) for one in updates]
        self.site.set_catalog(
            *(SliceUpdate(one.id, one.packages, one.modules) for one in offered),
            release="almalinux-9",
        )
        offer = make_offer(digest, *offered, package=A_PACKAGE.id, version=A_PACKAGE.version)
        offer = replace(offer, order=replace(offer.order, content=content))
        self.site.set_policy(offers=(offer,))

    def pass_once(self, code: int = 0) -> str:
        return self.agent.run("once", code=code).stderr

    def reasons(self) -> list[str]:
        return [reason for _, reason in self.site.statuses() if reason]
