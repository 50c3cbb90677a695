"""What is otherwise than a scenario expects, in lines that a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.times import render_duration, render_instant
from reconciler.planning.actions import Action
from reconciler.planning.render import describe
from tests.scenarios.form import Act, Expect, Form
from tests.scenarios.look import look, show_action
from tests.scenarios.naming import spelled_out
from tests.scenarios.play import Moment

_BY_HAND = frozenset({"nothing", "actions", "noActions", "conditions"})
_PREFIXES = frozenset({"windows", "restartWindows"})


def differences(expect: Expect, moment: Moment) -> list[str]:
    """Give everything that differs; what the scenario does not mention is not looked at."""
    found = list(_about_actions(expect, moment))
    seen = look(moment)
    found += _about_conditions(expect, seen["conditions"])
    for field in expect.model_fields_set:
        name = Expect.model_fields[field].alias or field
        if name not in _BY_HAND:
            found += _about(name, getattr(expect, field), seen[name])
    refused = [str(problem) for problem in moment.problems if problem.is_error]
    if refused and expect.refused is None:
        found.append(f"the commit is refused: {'; '.join(refused)}")
    if moment.again.actions:
        lines = "; ".join(show_action(action) for action in moment.again.actions)
        found.append(f"planning again at once is not empty: {lines}")
    return found


def _about_actions(expect: Expect, moment: Moment) -> Iterator[str]:
    actions = moment.plan.actions
    shown = "".join(f"\n      {show_action(action)}" for action in actions) or " nothing"
    if expect.nothing and actions:
        yield f"expected nothing to do, the plan is:{shown}"
    for verb in expect.no_actions:
        if any(action.verb is verb for action in actions):
            yield f"expected no {verb.value}, the plan is:{shown}"
    rest = iter(actions)
    for act in expect.actions:
        if not any(_fits(act, action) for action in rest):
            asked = act.model_dump(exclude_defaults=True, mode="json")
            yield f"expected {asked} (in this order), the plan is:{shown}"
            return


def _fits(act: Act, action: Action) -> bool:
    cause = action.cause
    return (
        act.do is action.verb
        and act.on in describe(action.record)
        and act.rule in (None, cause.rule)
        and act.because in cause.because
        and act.manifest in ("", f"{cause.kind}/{cause.name}")
    )


def _about_conditions(expect: Expect, seen: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Of each type that is mentioned exactly these subjects have it."""
    for type_, wanted in expect.conditions.items():
        there = seen.get(type_.value, {})
        if set(wanted) != set(there):
            yield f"{type_.value}: expected of {sorted(wanted)}, is told of {sorted(there)}"
        parts = wanted if isinstance(wanted, dict) else {}
        for subject, part in parts.items():
            if part not in there.get(subject, ""):
                yield f"{type_.value} {subject}: expected {part!r} in {there.get(subject, '')!r}"


def _about(name: str, wanted: Any, seen: Any) -> Iterator[str]:
    """Compare a field of the form; of a mapping only the keys that are mentioned."""
    if name == "offers":
        yield from _about_offers(wanted, seen)
    elif isinstance(wanted, dict):
        for key, value in wanted.items():
            yield from _about_one(name, key, value, seen.get(key, "none"))
    elif _plain(wanted) != seen:
        yield f"{name}: expected {_plain(wanted)}, is {seen}"


def _about_one(name: str, key: str, wanted: Any, seen: Any) -> Iterator[str]:
    value = _plain(wanted)
    if name in _PREFIXES and isinstance(value, list) and isinstance(seen, list):
        seen = seen[: len(value)]
    if isinstance(value, dict) and isinstance(seen, dict):
        seen = {part: seen.get(part) for part in value}
    value, seen = _in_order(value), _in_order(seen)
    if value != seen:
        yield f"{name} {key}: expected {value}, is {seen}"


def _in_order(value: Any) -> Any:
    """Sort names, whose order says nothing, and spell out their ranges."""
    if isinstance(value, dict):
        return {key: _in_order(one) for key, one in value.items()}
    return sorted(spelled_out(value)) if isinstance(value, list) else value


def _about_offers(
    wanted: Mapping[str, Mapping[str, Form]], seen: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """A computer that is mentioned has exactly these offers."""
    for computer, offers in wanted.items():
        there = seen.get(computer, {})
        if set(offers) != set(there):
            yield f"offers of {computer}: expected {sorted(offers)}, are {sorted(there)}"
        for key in offers.keys() & there.keys():
            yield from _about_one(f"offer to {computer}", key, offers[key], there[key])


def _plain(value: Any) -> Any:
    """Give a value of the form as it is shown."""
    match value:
        case Form():
            fields = {
                (type(value).model_fields[one].alias or one): getattr(value, one)
                for one in value.model_fields_set
            }
            return _plain(fields)
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case tuple() | list():
            return [_plain(one) for one in value]
        case datetime():
            return render_instant(value)
        case timedelta():
            return render_duration(value)
        case _:
            return value
