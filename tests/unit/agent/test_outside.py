"""How programs are put outside of the agent's unit."""

from datetime import timedelta
from pathlib import Path

from reconciler.agent import outside
from reconciler.agent.outside import go_outside, unit_options


def test_unit_has_the_environment_but_no_password():
    environment = {"PATH": "/usr/bin", "http_proxy": "http://user:secret@proxy:3128"}
    options = unit_options(environment, timedelta(minutes=10))

    assert "--setenv=PATH=/usr/bin" in options
    assert not any("secret" in option for option in options)
    assert "--property=RuntimeMaxSec=600" in options


def test_what_installs_has_no_time_limit():
    assert not any("RuntimeMaxSec" in option for option in unit_options({}, None))


def test_machine_without_systemd_runs_programs_itself(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert go_outside(["dpkg", "--version"], {}) == ["dpkg", "--version"]


def test_systemd_puts_no_variable_into_a_command(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(outside, "_SYSTEMD", Path("/"))
    monkeypatch.setattr(outside, "_PLACES", ("/bin/sh",))

    words = go_outside(["/bin/sh", "-c", "echo ${HOME} $$ 5%"], {})

    assert words[words.index("--") + 1 :] == ["/bin/sh", "-c", "echo $${HOME} $$$$ 5%"]
