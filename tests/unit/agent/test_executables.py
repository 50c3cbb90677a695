"""Programs that no package manager knows are listed with their digests, within limits."""

import os

import pytest

from reconciler.agent import executables
from reconciler.agent.executables import Executables, Limits
from reconciler.agent.log import Log
from reconciler.model.ids import sha256_hex
from reconciler.model.messages import Executable


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "root"
    (made / "opt/tool/bin").mkdir(parents=True)
    return made


@pytest.fixture
def look(root, tmp_path):
    def collect(*patterns, limits=Limits()):  # noqa: B008  # it is frozen
        made = Executables(root, tmp_path / "executables.json", Log("error"), limits)
        return made.collect(patterns or ("/opt/*/bin/*",))

    return collect


def write(path, text, mode=0o755):
    path.write_text(text)
    path.chmod(mode)


def test_files_that_may_be_run_are_listed_with_size_and_digest(root, look):
    write(root / "opt/tool/bin/tool", "one")
    write(root / "opt/tool/bin/readme", "text", 0o644)
    (root / "opt/tool/bin/folder").mkdir()
    (root / "opt/tool/bin/link").symlink_to("tool")

    assert look() == {"/opt/tool/bin/tool": Executable(3, sha256_hex(b"one"))}


def test_changed_file_has_its_new_digest(root, look):
    tool = root / "opt/tool/bin/tool"
    write(tool, "one")
    look()
    write(tool, "two")
    os.utime(tool, ns=(1, 1))

    assert look()["/opt/tool/bin/tool"].sha256 == sha256_hex(b"two")


def test_unchanged_file_is_not_read_again(root, look, monkeypatch):
    write(root / "opt/tool/bin/tool", "one")
    first = look()
    monkeypatch.setattr(executables, "digest_of_file", None)

    assert look() == first


def test_patterns_reach_into_folders_and_overlap_once(root, look):
    (root / "opt/deep/er").mkdir(parents=True)
    write(root / "opt/deep/er/tool", "one")

    assert list(look("/opt/**/tool", "/opt/deep/*/*")) == ["/opt/deep/er/tool"]


def test_links_lead_nowhere_outside_of_the_root(root, look, tmp_path):
    (tmp_path / "outside/bin").mkdir(parents=True)
    write(tmp_path / "outside/bin/tool", "one")
    (root / "opt/escape").symlink_to(tmp_path / "outside")

    assert look() == {}


def test_what_is_over_the_bytes_is_left_out_and_listed_later(root, look):
    for number in range(3):
        write(root / f"opt/tool/bin/{number}", "four")

    assert list(look(limits=Limits(bytes=8))) == ["/opt/tool/bin/0", "/opt/tool/bin/1"]
    assert len(look(limits=Limits(bytes=8))) == 3, "what was read is known"


def test_no_more_files_are_listed_than_may_be(root, look):
    for number in range(3):
        write(root / f"opt/tool/bin/{number}", "four")

    assert len(look(limits=Limits(files=2))) == 2
    assert look(limits=Limits(seconds=-1)) != {}, "known files cost no time"
