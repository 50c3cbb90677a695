"""Every scenario comes out as it says, and together they cite every rule."""

import pytest
from pydantic import ValidationError

from tests.scenarios.__main__ import main
from tests.scenarios.compare import differences
from tests.scenarios.form import RULES, Scenario
from tests.scenarios.play import BASES, FOLDER, names_of_scenarios, play, read_scenario

LEAST = 80
NAMES = names_of_scenarios()


def scenario_params():
    """Give every scenario; one that says it is broken has to fail."""
    for name in NAMES:
        broken = read_scenario(name).broken
        marks = [pytest.mark.xfail(reason=broken, strict=True)] if broken else []
        yield pytest.param(name, marks=marks, id=name)


@pytest.mark.parametrize("name", list(scenario_params()))
def test_scenario_comes_out_as_it_says(name):
    wrong = [
        f"step {number}: {line}"
        for number, (step, moment) in enumerate(play(name, read_scenario(name)), start=1)
        for line in differences(step.expect, moment)
    ]

    assert not wrong, "\n  ".join([f"{name}:", *wrong])


def test_every_rule_is_cited_by_a_scenario():
    cited = {rule for name in NAMES for rule in read_scenario(name).rules}

    assert not RULES - cited


def test_there_are_enough_scenarios():
    assert len(NAMES) >= LEAST


def test_every_folder_is_a_scenario():
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}

    assert folders - {BASES.name, "__pycache__"} == set(NAMES)


def test_every_step_beside_preparations_is_looked_at():
    silent = [name for name in NAMES if not read_scenario(name).steps[-1].expect.model_fields_set]

    assert not silent


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": ["S99"]},
        {"rule": ["S1"]},
        {"steps": [{"expects": {}}]},
        {"steps": [{"expect": {"condition": {}}}]},
        {"steps": [{"expect": {"conditions": {"Haltet": []}}}]},
        {"steps": [{"expect": {"actions": [{"do": "OpenFase"}]}}]},
    ],
)
def test_what_the_form_does_not_know_is_an_error(wrong):
    sound = {"says": "An administrator sees nothing at all here.", "rules": ["S1"], "steps": [{}]}
    Scenario.model_validate(sound)

    with pytest.raises(ValidationError):
        Scenario.model_validate(sound | wrong)


def test_what_a_scenario_gives_can_be_shown(capsys):
    assert main(["show", "phases-open-in-order", "2"]) == 0
    shown = capsys.readouterr()
    assert "PassPhase monthly/1/first (succeeded), because 1 of 1 comply" in shown.out
    assert "# step 1" not in shown.out
    assert not shown.err


@pytest.mark.parametrize("asked", [[], ["show"], ["show", "no-such-scenario"], ["play", "it"]])
def test_wrong_question_gets_a_word_of_what_to_ask(asked, capsys):
    assert main(asked) == 2
    assert "list" in capsys.readouterr().err
