"""Files of custom updates are in the commit, and are what their digests say."""

import pytest

from reconciler.cli.validate import judge_paths
from reconciler.model.ids import sha256_hex
from reconciler.source.contents import LARGEST_CONTENT, check_contents
from reconciler.source.load import load_manifests
from tests.corpora import NOW

SCRIPT = b"#!/bin/sh\n"
MANIFEST = """apiVersion: patchwright.dev/v1alpha1
kind: CustomUpdate
metadata: {name: tool}
spec:
  product: tool
  version: "2.1"
  appliesTo: {query: {all: true}}
  detect: {package: tool, version: ">=2.1"}
  install: [./install.sh]
  content: [{path: bin/install.sh, sha256: "DIGEST"}]
""".replace("DIGEST", sha256_hex(SCRIPT))
PLACE = "cad/tool/bin/install.sh"


def found(files, kept):
    loaded = load_manifests({"cad/tool.yaml": MANIFEST.encode()}, "c0ffee")

    def read(path, limit):
        return files[path][: limit + 1] if path in files else None

    return [(one.code, one.at.line) for one in check_contents(loaded.documents, read, kept.append)]


def codes(folder):
    return [one.code for one in judge_paths([folder], NOW).problems]


def test_files_of_their_digest_are_kept():
    kept: list[bytes] = []

    assert found({PLACE: SCRIPT}, kept) == []
    assert kept == [SCRIPT]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"cad/bin/install.sh": SCRIPT}, "PW1145"),
        ({PLACE: b"#!/bin/sh\nrm -rf /\n"}, "PW1146"),
        ({PLACE: bytes(LARGEST_CONTENT + 1)}, "PW1147"),
    ],
    ids=["elsewhere", "another digest", "too large"],
)
def test_other_files_are_told_and_not_kept(files, code):
    kept: list[bytes] = []

    assert found(files, kept) == [(code, 10)]
    assert kept == []


def test_validate_looks_at_the_files(tmp_path):
    (tmp_path / "tool.yaml").write_text(MANIFEST)
    place = tmp_path / "tool/bin/install.sh"
    place.parent.mkdir(parents=True)
    place.write_bytes(SCRIPT)
    assert codes(tmp_path) == []

    place.write_bytes(b"changed")
    assert codes(tmp_path) == ["PW1146"]


def test_a_link_is_no_content(tmp_path):
    (tmp_path / "tool.yaml").write_text(MANIFEST)
    (tmp_path / "tool/bin").mkdir(parents=True)
    (tmp_path / "script").write_bytes(SCRIPT)
    (tmp_path / "tool/bin/install.sh").symlink_to(tmp_path / "script")

    assert codes(tmp_path) == ["PW1145"]
