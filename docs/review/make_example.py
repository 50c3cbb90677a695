"""Make the worked example of docs/review.md: a comment, its JSON twin's digest, and a picture.

A fleet of 400 lives with the manifests below for two weeks of virtual time; then a pull request is
shown as the command shows it. The same code gives the same bytes.
Run: .venv/bin/python docs/review/make_example.py [FOLDER]
"""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.terminal_theme import DIMMED_MONOKAI

from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.model.ids import sha256_hex
from reconciler.model.updates import PackageFile, Update, UpdateSeverity
from reconciler.observed.catalog import Catalog
from reconciler.observed.memory import Memory
from reconciler.observed.state import ObservedState
from reconciler.planning.plan import decide
from reconciler.planning.review.make import make_review
from reconciler.planning.review.markdown import review_markdown
from reconciler.planning.world import SiteIdentity
from reconciler.simulation.clockwork import Scene, Simulation, Span
from reconciler.simulation.draws import expect
from reconciler.simulation.estate import Estate
from reconciler.simulation.fleet_spec import FleetSpec
from reconciler.simulation.generate import generate
from reconciler.simulation.prediction import predict
from reconciler.source.load import load_manifests

BEGIN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ASKED_AT = BEGIN + timedelta(days=14)
STEP = timedelta(minutes=30)
SITE = SiteIdentity("bari", "BAR", "bari")
WIDTH = 118
BASE = """
kind: Site
metadata: {name: bari}
spec: {code: BAR, mode: enforce, timezone: Europe/Rome}
---
kind: Collection
metadata: {name: reference-computers}
spec: {query: {fact: role, op: In, values: [reference]}}
---
kind: Collection
metadata: {name: all-servers}
spec:
  query: {fact: class, op: In, values: [server]}
  maintenanceWindows:
    - {name: night, recurrence: "FREQ=WEEKLY;BYDAY=TU,SA", start: "22:00", duration: 5h}
---
kind: Collection
metadata: {name: laboratory}
spec: {query: {fact: role, op: In, values: [laboratory]}}
---
kind: Collection
metadata: {name: desks}
spec: {query: {fact: class, op: In, values: [workstation]}, maintenanceWindows: always}
---
kind: UpdateGroup
metadata: {name: web-stack}
spec: {type: rollup, query: {product: [nginx, curl]}}
---
kind: UpdateGroup
metadata: {name: base-system}
spec: {type: rollup, query: {product: [openssl, linux, libwebp, sudo]}}
---
kind: Authorization
metadata: {name: web-stack}
spec: {group: web-stack}
---
kind: Rollout
metadata: {name: web-stack}
spec:
  authorization: web-stack
  phases:
    - {name: reference, collection: reference-computers, deadline: 2d, gate: {soak: 12h}}
    - {name: laboratory, collection: laboratory, deadline: 3d, gate: {soak: 12h}}
    - {name: servers, collection: all-servers, deadline: 7d}
"""
PHASE = "    - {name: laboratory, collection: laboratory, deadline: 3d, gate: {soak: 12h}}\n"
ADDED = """---
kind: Policy
metadata: {name: servers}
spec: {minSoak: 12h, firstPhaseIn: [reference-computers]}
---
kind: Authorization
metadata: {name: march}
spec: {group: base-system, change: CHG0012345, approvedBy: [ines@corp.example, omar@corp.example]}
---
kind: Rollout
metadata: {name: march}
spec:
  authorization: march
  restart: {servers: if-required, workstations: if-required}
  phases:
    - name: reference
      collection: reference-computers
      deadline: 2d
      gate: {success: 90%, soak: 1d}
    - {name: desks, collection: desks, deadline: 5d, gate: {success: 85%, soak: 12h}}
    - {name: servers, collection: all-servers, deadline: 7d}
"""
WANTED = (
    ("openssl", "3.0.17-1~deb12u3", "critical", ("CVE-2026-1001", "CVE-2026-1002"), 3_270_000),
    ("linux", "6.1.164-1", "important", ("CVE-2026-2001",), 68_400_000),
    ("libwebp", "1.2.4-0.2+deb12u2", "important", ("CVE-2026-3001",), 310_000),
    ("sudo", "1.9.13p3-1+deb12u2", "moderate", ("CVE-2026-4001",), 1_890_000),
    ("nginx", "1.22.1-9+deb12u3", "moderate", (), 930_000),
    ("curl", "7.88.1-10+deb12u13", "low", ("CVE-2026-5001",), 320_000),
)


def main() -> None:
    """Write example.md and example.svg beside this script, or into the folder that is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    lines = comment()
    (folder / "example.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "example.svg").write_text(picture(lines), encoding="utf-8")


def comment() -> list[str]:
    """Give the comment's lines."""
    base, head = load(BASE, "b" * 40), load(BASE.replace(PHASE, "") + ADDED, "d" * 40)
    observed = live(base)
    review = make_review(*(decide(one, observed, SITE, ASKED_AT) for one in (base, head)))
    span = Span(ASKED_AT, ASKED_AT + timedelta(days=30), STEP)
    prediction = predict(expect(head, observed, SITE, span, 1), review)
    evidence = (
        "Planned for 400 computers of `bari`, as known at 2026-03-16T06:00:00Z, signed by it."
    )
    return list(review_markdown(review, prediction, [evidence]))


def load(text: str, commit: str) -> DesiredState:
    """Link manifests."""
    documents = text.replace("kind:", "apiVersion: patchwright.dev/v1alpha1\nkind:")
    desired, problems = link(load_manifests({"all.yaml": documents.encode()}, commit), BEGIN)
    if desired is None:
        raise SystemExit("\n".join(map(str, problems)))
    return desired


def live(desired: DesiredState) -> ObservedState:
    """Let the fleet live for two weeks."""
    made = generate(fleet(), [update(*one) for one in WANTED], BEGIN, seed=7)
    estate = Estate(made.fleet)
    scene = Scene(desired, SITE, Memory(), Catalog(), made.arrivals)
    simulation = Simulation(scene, estate, made.behaviour, Span(BEGIN, ASKED_AT, STEP), seed=7)
    for _ in simulation.run():
        pass
    memory = simulation.memory
    return ObservedState(estate.fleet, simulation.catalog, memory, memory.latest_transition())


def update(product: str, version: str, severity: str, cves: tuple[str, ...], size: int) -> Update:
    """Give an update of one package."""
    path = f"pool/{product}_{version}_amd64.deb"
    file = PackageFile(product, version, "amd64", path, size, sha256_hex(path.encode()))
    return Update(
        id=f"deb:Debian/bookworm-security/{product}/{version}",
        source="debian",
        product=product,
        version=version,
        release=("debian-12",),
        classification="security",
        packages=(file,),
        severity=UpdateSeverity[severity.upper()],
        title=f"{product} security update",
        cves=cves,
    )


def fleet() -> FleetSpec:
    """Describe 400 computers in three zones."""
    common = {"os.release": "debian-12", "arch": "amd64"}
    roles = {"weights": {"reference": 1, "laboratory": 2, "web": 12, "database": 5}}
    return FleetSpec.model_validate(
        {
            "groups": [
                {
                    "name": "srv",
                    "count": 260,
                    "zones": {"Europe/Rome": 3, "America/New_York": 2, "Asia/Tokyo": 1},
                    "facts": {**common, "role": roles},
                    "dead": "1%",
                },
                {
                    "name": "desk",
                    "count": 140,
                    "class": "workstation",
                    "online": "officeHours",
                    "zones": {"Europe/Rome": 1},
                    "facts": common,
                },
            ],
            "catalog": {"missing": "60%", "installed": "20%"},
        }
    )


def picture(lines: list[str]) -> str:
    """Draw what is seen of the comment before anything is unfolded."""
    text = "\n".join(lines)
    folded = r"<details><summary>(.*?)</summary>.*?</details>"
    text = re.sub(folded, r"▸ \1\n", text, flags=re.DOTALL)
    text = re.sub(r"</?sub>|<br>", "", text)
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Markdown(text))
    drawn = console.export_svg(title="What this changes", theme=DIMMED_MONOKAI, unique_id="review")
    # The fonts are those of whoever looks: nothing is fetched from anywhere.
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    main()
