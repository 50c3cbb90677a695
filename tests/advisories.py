"""OSV records with good defaults, and the real ones of tests/data."""

import json
from pathlib import Path

from reconciler.catalog.importing import make_listing, read_any
from reconciler.catalog.osv import read_osv

DATA = Path(__file__).parent / "data"
ARCHIVE = DATA / "osv-almalinux9.tar.gz"
FOLDER = DATA / "osv"


def an_advisory(update_id="ALSA-2025:1", fixed=(("AlmaLinux:9", "app", "1.0-1.el9"),), **changes):
    """Make a record that fixes packages, given as ecosystem, name and version."""
    return {
        "id": update_id,
        "summary": "Important: app security update",
        "modified": "2025-01-02T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": name},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": version}]}
                ],
            }
            for ecosystem, name, version in fixed
        ],
        **changes,
    }


def listed(*records, read=read_osv, source="test"):
    """Read records as if each stood in a file of its own."""
    members = [
        (f"{number}.json", record if isinstance(record, bytes) else json.dumps(record).encode())
        for number, record in enumerate(records)
    ]
    return make_listing(members, source, read)


def read_either(*records):
    return listed(*records, read=read_any)
