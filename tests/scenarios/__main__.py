"""Print what a scenario gives, step by step: `python -m tests.scenarios show NAME`."""

from __future__ import annotations

import sys

import yaml

from tests.scenarios.compare import differences
from tests.scenarios.look import look
from tests.scenarios.play import names_of_scenarios, play, read_scenario

USAGE = "usage: python -m tests.scenarios list | show NAME [STEP]"


def main(arguments: list[str]) -> int:
    """Do what is asked; 1 where a scenario is not as it expects, 2 for a wrong question."""
    match arguments:
        case ["list"]:
            for name in names_of_scenarios():
                sys.stdout.write(f"{name}: {' '.join(read_scenario(name).rules)}\n")
            return 0
        case ["show", name] if name in names_of_scenarios():
            return _show(name, None)
        case ["show", name, number] if name in names_of_scenarios() and number.isdigit():
            return _show(name, int(number))
        case ["show", name, *_] if name not in names_of_scenarios():
            sys.stderr.write(f"there is no scenario {name}; `list` names them\n")
        case _:
            sys.stderr.write(f"{USAGE}\n")
    return 2


def _show(name: str, only: int | None) -> int:
    scenario, wrong = read_scenario(name), 0
    for number, (step, moment) in enumerate(play(name, scenario), start=1):
        if only in (None, number):
            shown = yaml.safe_dump(look(moment), sort_keys=False, width=100, allow_unicode=True)
            sys.stdout.write(f"# step {number}\n{shown}\n")
        for line in differences(step.expect, moment):
            sys.stderr.write(f"step {number}: {line}\n")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
