import pytest

from reconciler.agent.apt.simulation import (
    Installation,
    check_simulation,
    explain_failure,
    parse_simulation,
)
from reconciler.agent.errors import RunRefusedError

# As apt-get 2.6 prints it.
OUTPUT = """\
NOTE: This is only a simulation!
Reading package lists...
Inst libssl3 [3.0.11-1~deb12u2] (3.0.13-1~deb12u1 Debian:12.5/stable, Debian-Security:12/s [amd64])
Inst app [1.0] (1.1 localhost [all]) []
Inst extra (1.0 localhost [all])
Inst libc6:i386 [2.36-9] (2.36-9+deb12u1 localhost [i386])
Conf app (1.1 localhost [all])
Conf half (2.0 localhost [amd64])
Remv old [0.9]
Purg older [0.8]
"""
APP = ("app", "all", "1.1")


def test_all_lines_are_read():
    simulation = parse_simulation(OUTPUT)

    assert simulation.installs == (
        Installation("libssl3", "amd64", "3.0.13-1~deb12u1", "3.0.11-1~deb12u2"),
        Installation("app", "all", "1.1", "1.0"),
        Installation("extra", "all", "1.0"),
        Installation("libc6", "i386", "2.36-9+deb12u1", "2.36-9"),
    )
    assert simulation.removes == ("old", "older")
    assert ("half", "amd64", "2.0") in simulation.configures


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("Inst app [1.0] (1.1 x [all])\nRemv other [1.0]\n", "removal"),
        ("Inst app [1.0] (1.1 x [all])\nInst lib [1] (2 x [all])\n", "unauthorizedUpgrade"),
        ("Inst app [1.0] (1.2 x [all])\n", "unauthorizedUpgrade"),
        ("Inst app [1.1] (1.0 x [all])\n", "unauthorizedUpgrade"),
        ("Inst extra (1.0 x [all])\n", "contentIncomplete"),
    ],
)
def test_what_is_not_authorized_is_refused(output, reason):
    with pytest.raises(RunRefusedError) as caught:
        check_simulation(parse_simulation(output), [APP], [APP])

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "output",
    [
        "Inst app [1.0] (1.1 x [all])\n",
        "Inst app [1.0] (1.1 x [all])\nInst extra (1.0 x [all])\n",
        "Conf app (1.1 x [all])\n",
    ],
)
def test_what_is_authorized_passes(output):
    check_simulation(parse_simulation(output), [APP], [APP])


def test_unknown_form_is_refused():
    with pytest.raises(RunRefusedError, match="not understood"):
        parse_simulation("Inst something else\n")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("E: Packages need to be removed but remove is disabled.", "removal"),
        ("E: Version '1.1' for 'app' was not found", "contentIncomplete"),
        ("The following packages have unmet dependencies:\n app : ", "dependencyConflict"),
        ("E: something new", "aptFailed"),
    ],
)
def test_failures_have_a_reason(output, reason):
    assert explain_failure(output).reason == reason
