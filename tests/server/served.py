"""Serves a prepared site in a process of its own; prints its URL once it may be called."""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.engine.permits import PermitDesk
from reconciler.model.times import UTC
from reconciler.server.app import make_app
from reconciler.server.main import TlsFiles, serve
from reconciler.server.settings import ServerSettings
from reconciler.server.signing import Signer
from reconciler.store import Store
from tests.server.world import FolderDepot, policy_of


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(folder: Path, tls: TlsFiles | None) -> None:
    app = make_app(
        Store(folder / "site.db"),
        FolderDepot(folder / "depot"),
        policy_of=policy_of,
        permit_of=PermitDesk(timedelta(seconds=30)).ask,
        signer=Signer.load_or_make(folder / "site.key"),
        clock=SystemClock(),
        settings=ServerSettings(site="PWR"),
    )
    serve(app, tls=tls, on_ready=say)
    say("stopped")


if __name__ == "__main__":
    here = Path(sys.argv[1])
    certificate = here / "tls.crt"
    main(here, TlsFiles(certificate, here / "tls.key") if certificate.exists() else None)
