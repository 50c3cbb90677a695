"""The small pure parts of the agent."""

from pathlib import Path

import pytest

from reconciler.agent.apt.dpkg import parse_installed
from reconciler.agent.apt.judging import DPKG_JUDGE
from reconciler.agent.apt.listing import parse_files, parse_upgradable, parse_versions
from reconciler.agent.apt.preparation import parse_index
from reconciler.agent.connection import parse_address
from reconciler.agent.errors import AgentError, CommandError
from reconciler.agent.facts import collect_facts, read_declared_facts, round_down
from reconciler.agent.inventory import Installed, group_by_name, name_packages
from reconciler.agent.log import render_value
from reconciler.agent.loop import Backoff
from reconciler.agent.redaction import last_lines, redact
from reconciler.model.updates import CatalogSlice, SliceUpdate


def installed(version, *, architecture="amd64", whole=True):
    return Installed("app", architecture, version, whole, held=False)


@pytest.mark.parametrize(
    ("packages", "restart", "state"),
    [
        pytest.param([], (), None, id="not-there"),
        pytest.param([installed("1.0")], (), "missing", id="older"),
        pytest.param([installed("1.1")], (), "installed", id="same"),
        pytest.param([installed("1.2")], (), "installed", id="newer"),
        pytest.param([installed("1.1", whole=False)], (), "missing", id="half-way"),
        pytest.param([installed("1.1")], ("app",), "pendingRestart", id="restart"),
        pytest.param([installed("1.0")], ("app",), "missing", id="older-beats-restart"),
        pytest.param([installed("1.0", architecture="i386")], (), None, id="other-architecture"),
        pytest.param([installed("1.0", architecture="all")], (), "missing", id="was-for-all"),
    ],
)
def test_state_of_an_update(packages, restart, state):
    catalog = CatalogSlice("debian-12", 1, (SliceUpdate("u", (("app", "amd64", "1.1"),)),))
    found = DPKG_JUDGE.judge_updates(catalog, group_by_name(packages), restart)

    assert found == ({} if state is None else {"u": state})


def test_only_what_is_there_and_older_is_installed():
    there = group_by_name([installed("1.0"), Installed("lib", "all", "2", whole=True, held=False)])
    offered = (
        ("app", "amd64", "1.1"),
        ("app", "i386", "1.1"),
        ("lib", "all", "2"),
        ("x", "all", "1"),
    )

    assert DPKG_JUDGE.packages_to_install(offered, there) == (("app", "amd64", "1.1"),)


def test_dpkg_lines_are_read():
    lines = (
        "app\tamd64\t1.0\tinstalled\tinstall\n"
        "lib\ti386\t2\thalf-configured\thold\n"
        "gone\tall\t1\tconfig-files\tdeinstall\n"
    )
    packages = parse_installed(lines)

    assert [(p.name, p.whole, p.held) for p in packages] == [
        ("app", True, False),
        ("lib", False, True),
    ]
    foreign = Installed("lib", "i386", "2", whole=True, held=False)
    assert name_packages([packages[0], foreign], "amd64") == {"app": "1.0", "lib:i386": "2"}
    with pytest.raises(CommandError):
        parse_installed("nonsense\n")


@pytest.mark.parametrize(
    "url",
    ["https://site.example:8443", "http://127.0.0.1:80", "http://[::1]:80", "http://localhost"],
)
def test_address_is_taken(url):
    assert parse_address(url).secure == url.startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "http://site.example",
        "http://127.0.0.1.example",
        "ftp://x",
        "site",
        "https://u:p@x",
        "https://x:99999",
    ],
)
def test_address_is_refused(url):
    with pytest.raises(AgentError):
        parse_address(url)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@mirror/x", "https://***@mirror/x"),
        ("password=hunter2 next", "password=*** next"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("Setting up app (1.1)", "Setting up app (1.1)"),
    ],
)
def test_secrets_are_taken_out(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize("kept", range(1, 70))
def test_end_of_an_output_begins_with_no_half_of_a_secret(kept):
    for text in (
        "cannot reach https://user:s3cretword@mirror.example/debian",
        "password: s3cretword was refused by the mirror",
        "sent Authorization: Bearer s3cretwords3cretword to it",
    ):
        assert "cret" not in last_lines(text, kept)


def test_long_token_in_an_address_is_taken_out():
    token = "s3cret" * 200

    assert "s3cret" not in redact(f"https://ci:{token}@mirror.example/debian is gone")


def test_log_values_stay_on_one_line():
    assert render_value("plain-1.0") == "plain-1.0"
    assert render_value("two\nlines") == '"two\\nlines"'


def test_facts_of_a_root(tmp_path):
    for name, text in {
        "etc/os-release": 'ID=ubuntu\nVERSION_ID="22.04"\nID_LIKE=debian\nVERSION_CODENAME=jammy\n',
        "etc/hostname": "web-1\n",
        "etc/timezone": "Europe/Rome\n",
        "etc/patchwright/facts.json": '{"role": "web", "class": "portable", "tags": ["a"]}',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    facts = collect_facts(tmp_path, "6.1.0-28-amd64", {"arch": "amd64"})

    expected = {
        "os.family": "debian",
        "os.id": "ubuntu",
        "os.version": "22.04",
        "os.release": "ubuntu-22.04",
        "os.codename": "jammy",
        "arch": "amd64",
        "hostname": "web-1",
        "timezone": "Europe/Rome",
        "role": "web",
        "class": "portable",
        "tags": ("a",),
    }
    assert {name: facts[name] for name in expected} == expected


def test_timezone_of_a_link(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/America/New_York")

    assert (
        collect_facts(tmp_path, "6.1.0-28-amd64", {"arch": "amd64"})["timezone"]
        == "America/New_York"
    )


@pytest.mark.parametrize("text", ["[]", "{", '{"a": null}', '{"a": {"b": 1}}', '{"a": [1]}', "NaN"])
def test_wrong_declared_facts_say_where(tmp_path, text):
    path = tmp_path / "facts.json"
    path.write_text(text)

    with pytest.raises(AgentError, match=r"facts\.json"):
        read_declared_facts(path)


@pytest.mark.parametrize(
    ("amount", "kept"), [(0, 0), (7, 7), (99, 99), (1234, 1200), (98765, 98000)]
)
def test_free_space_keeps_two_digits(amount, kept):
    assert round_down(amount) == kept


def test_waits_grow_and_end_growing():
    backoff = Backoff(draw=lambda: 1.0)
    waits = [backoff.failed().total_seconds() for _ in range(12)]
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 300
    backoff.worked()
    assert backoff.failed().total_seconds() == 1


def test_index_is_read():
    text = (
        "Package: app\nArchitecture: all\nVersion: 1.1\nInstalled-Size: 2\nFilename: ./app.deb\n\n"
    )
    index = parse_index(text)

    assert index["app", "all", "1.1"].path == "app.deb"
    assert index["app", "all", "1.1"].installed_size == 2048


def test_apt_answers_are_read():
    line = "jq/stable-security,stable 1.6-2.1+deb12u3 amd64 [upgradable from: 1.6-2.1]"
    (row,) = parse_upgradable(f"Listing...\n{line}\n")
    assert (row.name, row.candidate, row.suite) == ("jq", "1.6-2.1+deb12u3", "stable-security")
    file = "http://mirror.example/debian-security bookworm-security/main amd64 Packages"
    release = "v=12,o=Debian,a=stable-security,n=bookworm-security,l=Debian-Security"
    files = parse_files(f" 500 {file}\n     release {release}\n")
    found = parse_versions(
        "jq:\n  Installed: 1.6-2.1\n  Version table:\n"
        f"     1.6-2.1+deb12u3 500\n        500 {file}\n"
        " *** 1.6-2.1 100\n        100 /var/lib/dpkg/status\n",
        files,
        ["jq:amd64"],
    )
    assert list(found) == [("jq:amd64", "1.6-2.1+deb12u3")]
    assert found["jq:amd64", "1.6-2.1+deb12u3"][0].is_security


def test_declared_facts_are_optional():
    assert read_declared_facts(Path("/nonexistent/facts.json")) == {}
