"""Manifests of a site where everything goes on at once, each document by a name."""

from tests.worlds import HEADER, custom_manifest, removable_update

APP = "deb:Lab/security/app/1.1"
TOOL = removable_update("tool")


def _document(kind: str, name: str, spec: str) -> str:
    return f"{HEADER}kind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


ALWAYS = {
    "site": _document("Site", "main", "{code: PWR, mode: enforce, timezone: Europe/Rome}"),
    "everybody": _document(
        "Collection",
        "everybody",
        """
  query: {all: true}
  maintenanceWindows:
    - {name: day, recurrence: FREQ=DAILY, start: "10:00", duration: 9h, timezone: local}""",
    ),
    "reference": _document(
        "Collection", "reference", "{query: {fact: ring, op: In, values: [reference]}}"
    ),
    "web": _document("Collection", "web", "{query: {fact: ring, op: In, values: [web]}}"),
    "rollup": _document("UpdateGroup", "rollup", "{type: rollup, query: {product: [app, lib]}}"),
    "single": _document("UpdateGroup", "single", f'{{type: standalone, updates: ["{TOOL.id}"]}}'),
    "scans": _document(
        "ScanPolicy",
        "scans",
        """
  collection: everybody
  recurrence: {server: 6h, workstation: 6h, portable: 6h}
  staleAfter: {server: 2d, workstation: 2d, portable: 2d}""",
    ),
    "budget": _document("DisruptionBudget", "web", "{collection: web, concurrent: 1}"),
}
MONTHLY = """
  authorization: monthly
  releases: {every: 1h}
  recurrence: 2h
  timeBasis: local
  budget: {concurrent: 1, per: rack}
  phases:
    - name: first
      collection: reference
      deadline: 6h
      spread: 1h
      gate: {success: 60%, soak: 1h, unreachableAfter: 1d, maxUnreachable: 50%}
      halt: {failures: 50%}
    - name: web
      collection: web
      deadline: 1d
      grace: 2h
      gate: {success: 50%, unreachableAfter: 1d}
      halt: {failures: 50%}
    - {name: rest, collection: everybody, deadline: 2d, spread: 2h}"""
TOOLS = """
  authorization: tools
  priority: high
  phases:
    - {name: some, collection: reference, deadline: 2h, gate: {success: 50%}}
    - {name: all, collection: everybody, deadline: 4h, gate: {success: 100%}, halt: {failures: 30%}}
    - {name: late, collection: everybody, opens: {at: 2026-03-02T20:00:00Z}}"""
EMERGENCY = f"""
  bulletin: MS03-039
  updates: ["{APP}"]
  reference: reference
  production: [everybody]
  foldInto: rollup
  retireAt: 60%"""
REMOVAL = f"""
  updates: ["{TOOL.id}"]
  phases:
    - name: trial
      collection: reference
      deadline: 1h
      gate: {{success: 50%}}
      halt: {{failures: 50%}}
    - {{name: all, collection: everybody, deadline: 2h}}"""


def authorization(name: str, group: str, more: str = "") -> str:
    """Give an authorization of a group."""
    return _document("Authorization", name, f"{{group: {group}{more}}}")


BEGINNING = {
    **ALWAYS,
    "monthly": authorization("monthly", "rollup"),
    "own": custom_manifest(TOOL),
    "tools": authorization("tools", "single"),
    "Rollout/monthly": _document("Rollout", "monthly", MONTHLY),
    "Rollout/tools": _document("Rollout", "tools", TOOLS),
}
"""What is in force at first."""

EXTRAS = {
    "EmergencyChange/blaster": _document("EmergencyChange", "blaster", EMERGENCY),
    "Removal/tool": _document("Removal", "tool", REMOVAL),
    "Rejection/lib": _document(
        "Rejection", "lib", '{updates: ["deb:Lab/security/lib/1.1"], reason: r, by: b}'
    ),
}
"""What comes and goes as it is."""


def freeze(name: str, begin: str, end: str, collections: str) -> str:
    """Give a freeze of collections; of all where they are an empty list."""
    return _document(
        "Freeze", name, f"{{from: {begin}, until: {end}, collections: [{collections}]}}"
    )


def waiver(name: str, computer: str, update: str, until: str) -> str:
    """Give a waiver of one update on one computer."""
    spec = f'{{computers: [{computer}], updates: ["{update}"], reason: r, approvedBy: [x], '
    return _document("Waiver", name, f"{spec}until: {until}}}")


def resumed(token: str) -> str:
    """Give the rollout with an order to try again."""
    order = f"\n  resume: {{token: {token}, how: retry, reason: r, by: b}}"
    return _document("Rollout", "monthly", MONTHLY + order)
