"""Whatever is written, the answer is problems or documents, never a crash."""

from datetime import date, datetime, time
from itertools import islice

import yaml
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.base import Model
from reconciler.kinds.recurrence_text import parse_recurrence
from reconciler.kinds.registry import KINDS
from reconciler.model.codes import CODES
from reconciler.source.explain import render_path
from tests.corpora import invalid_files, judged

SEEDS = [path.read_bytes() for path in invalid_files()]
SPECS: list[object] = [kind.model_fields["spec"].annotation for kind in KINDS.values()]
FIELDS = sorted(
    {
        str(field.alias)
        for spec in SPECS
        if isinstance(spec, type) and issubclass(spec, Model)
        for field in spec.model_fields.values()
    }
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["1d", "95%", "always", "FREQ=DAILY", "22:00", "2025-01-01", "In", "name"]),
)
keys = st.one_of(
    st.sampled_from(FIELDS), st.text(max_size=4), st.sampled_from(["fact", "op", "values"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
documents = st.fixed_dictionaries(
    {
        "apiVersion": st.just("patchwright.dev/v1alpha1"),
        "kind": st.sampled_from(sorted(KINDS)),
        "metadata": st.just({"name": "a"}) | values,
        "spec": st.dictionaries(st.sampled_from(FIELDS), values, max_size=6) | values,
    }
)


def assert_answered(content: bytes) -> None:
    state, problems = judged(content)
    lines = content.decode("utf-8", "replace").splitlines() or [""]

    assert state is not None or any(problem.is_error for problem in problems)
    assert all(problem.code in CODES for problem in problems)
    assert list(problems) == sorted(problems)
    assert all(problem.at.line <= len(lines) + 1 for problem in problems)


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(content):
    assert_answered(content)


@given(st.text(alphabet="abc:-[]{}&*!|>'\"#%@`,? \n\t0", max_size=120))
def test_any_text_that_looks_like_yaml_is_answered(text):
    assert_answered(text.encode())


@given(documents)
def test_any_document_is_answered(document):
    assert_answered(yaml.safe_dump(document, allow_unicode=True).encode())


@given(st.sampled_from(SEEDS), st.data())
def test_any_damaged_manifest_is_answered(seed, data):
    at = data.draw(st.integers(0, len(seed)))
    length = data.draw(st.integers(0, 5))
    inserted = data.draw(st.binary(max_size=6))

    assert_answered(seed[:at] + inserted + seed[at + length :])


@given(documents)
def test_same_bytes_have_the_same_problems(document):
    content = yaml.safe_dump(document).encode()

    assert judged(content)[1] == judged(content)[1]


@given(st.lists(st.text(max_size=5) | st.integers(0, 9), max_size=4))
def test_every_path_can_be_written(path):
    assert render_path(tuple(path))


weekdays = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])


@st.composite
def rules(draw):
    """Draw rules that the library reads as RFC 5545 has it: no mixed or partial-week choices."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 6))}")
    if draw(st.booleans()):
        months = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
        parts.append("BYMONTH=" + ",".join(map(str, months)))
    if frequency != "WEEKLY" and draw(st.booleans()):
        days = draw(st.lists(st.integers(1, 28) | st.integers(-28, -1), min_size=1, max_size=3))
        parts.append("BYMONTHDAY=" + ",".join(map(str, days)))
    elif draw(st.booleans()):
        counted = frequency in {"MONTHLY", "YEARLY"} and draw(st.booleans())
        ordinal = str(draw(st.sampled_from([1, 2, 3, 4, -1, -2]))) if counted else ""
        days = draw(st.lists(weekdays, min_size=1, max_size=3))
        parts.append("BYDAY=" + ",".join(f"{ordinal}{day}" for day in days))
    return ";".join(parts)


@given(rules(), st.dates(date(2000, 1, 1), date(2030, 12, 28)))
def test_days_of_a_rule_are_those_of_the_library(rule, anchor):
    ours = list(islice(parse_recurrence(rule).dates(anchor), 10))
    library = rrulestr(rule, dtstart=datetime.combine(anchor, time()))

    assert ours == [found.date() for found in islice(library, len(ours))]


@given(
    rules(),
    st.dates(date(2000, 1, 1), date(2010, 1, 1)),
    st.dates(date(2000, 1, 1), date(2020, 1, 1)),
)
def test_days_from_a_day_on_are_the_rest(rule, anchor, since):
    later = parse_recurrence(rule).dates(anchor, since=since)
    whole = (day for day in parse_recurrence(rule).dates(anchor) if day >= since)

    assert list(islice(later, 5)) == list(islice(whole, 5))


@given(st.text(max_size=60) | rules().map(lambda rule: rule + ";BYDAY=9XX"))
def test_any_text_is_a_rule_or_a_plain_error(text):
    try:
        parse_recurrence(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017  # both outcomes are right
