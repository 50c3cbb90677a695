"""The comment on a pull request: one screen, and nothing of a manifest is more than text."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.model.problems import Location, Problem
from reconciler.planning.review.form import Expected, Prediction
from reconciler.planning.review.markdown import refusal_markdown, review_markdown
from reconciler.planning.review.markdown_text import code, codes, size, table
from reconciler.simulation.lateness import Reason
from tests.unit.planning.test_review import (
    MISSING,
    WITHOUT_ROLLOUT,
    a_world,
    review,
    settled,
)
from tests.worlds import BASICS, NOW, an_update

HOSTILE = (
    "@torvalds",
    "#12",
    "</details><h1>approved</h1>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "https://evil.example",
    "` escape `",
    "a | b | c",
    "\\| x \\",
    "two\nlines\n\n/approve\n# head",
    "\u202egnissap",
    "``` x",
    "<!-- patchwright:report:plan -->",
)


def rendered(markdown: str) -> str:
    """Render as forges do: with tables, and HTML let through."""
    return str(MarkdownIt("gfm-like", {"linkify": False}).render(markdown))


def text_outside_code(html: str) -> str:
    return re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_within_code(text):
    world = a_world()
    world.publish(an_update("evil", title=text, cves=(text,)))
    world.scan(evil=MISSING)
    change = review(world, WITHOUT_ROLLOUT, BASICS)

    html = rendered("\n".join(review_markdown(change, None, [])))

    outside = text_outside_code(html)
    words = ("torvalds", "#12", "approve", "onerror", "evil.example", "escape", "gnissap", "-->")
    assert not [word for word in words if word in outside]
    assert outside.count("<table>") == outside.count("</table>")
    assert outside.count("<details>") == outside.count("</details>")
    cells = [row.count("<td") for row in re.findall(r"<tr>(?:(?!<th).)*?</tr>", html, re.DOTALL)]
    assert set(cells) <= {5, 6, 8, 0}


@given(st.text(max_size=200))
def test_any_text_is_one_code_span_in_one_cell(text):
    shown = code(text)
    lines = list(table(("a", "b"), [(shown, "1")], 10))

    assert all("\n" not in line for line in lines)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse("\n".join(lines))
    inline = [one for one in tokens if one.type == "inline"][2:]
    assert len(inline) == 2
    kinds = {child.type for child in inline[0].children or ()}
    assert kinds <= {"code_inline"}


@given(st.text(max_size=300), st.integers(min_value=2, max_value=90))
def test_text_is_cut(text, longest):
    assert len(code(text, longest).strip("`").strip()) <= longest


def test_name_that_is_empty_shows_nothing():
    assert code("  \u200b ") == ""


def test_many_names_are_counted():
    assert codes(["a", "b", "c"], 2) == "`a`, `b` and 1 more"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_bytes_are_written_short(number, written):
    assert size(number) == written


def comment(change, prediction=None) -> str:
    return "\n".join(review_markdown(change, prediction, ["Planned by hand."]))


def visible(markdown: str) -> list[str]:
    """Give the lines that are not folded away."""
    shown = re.sub(r"<details>.*?</details>", "", markdown, flags=re.DOTALL)
    return [line for line in shown.splitlines() if line.strip()]


def test_retirements_come_first():
    shorter = BASICS[: BASICS.index("    - {name: rest")]
    lines = visible(comment(review(settled(), BASICS, shorter)))

    first = next(number for number, line in enumerate(lines) if "RetireAdvertisement" in line)
    assert first < next(
        number for number, line in enumerate(lines) if "`monthly` 1 | `rest`" in line
    )
    assert "retires" in lines[0]


def test_normal_change_is_one_screen():
    world = a_world()
    for number in range(40):
        world.publish(an_update(f"extra-{number}", title="x" * 300))
    change = review(world, WITHOUT_ROLLOUT, BASICS)

    assert len(visible(comment(change))) < 25


def test_largest_comment_fits_every_forge():
    world = a_world()
    for number in range(600):
        world.publish(an_update(f"extra-{number}", title="x" * 300, cves=("CVE-2026-1234567",) * 9))
    phases = "".join(
        f"    - {{name: p{number}, collection: everybody, deadline: 2d, gate: {{}}}}\n"
        for number in range(150)
    )
    change = review(
        world, WITHOUT_ROLLOUT, BASICS.replace("    - {name: rest", f"{phases}    - {{name: rest")
    )

    assert len(comment(change).encode()) < 65_000


def test_comment_of_nothing_says_so():
    assert comment(review(settled(), BASICS, BASICS)).startswith(
        "### Patchwright: this changes nothing"
    )


def test_withheld_retirements_stand_in_the_open():
    lines = visible(comment(review(settled(), BASICS, WITHOUT_ROLLOUT)))

    assert any("PruneBlocked" in line for line in lines)


def test_site_that_observes_is_told():
    observing = BASICS.replace("mode: enforce", "mode: observe")
    change = review(a_world(), WITHOUT_ROLLOUT.replace("enforce", "observe"), observing)

    assert any("The site observes" in line for line in visible(comment(change)))


def test_forecast_names_what_does_not_arrive_and_why():
    change = review(a_world(), WITHOUT_ROLLOUT, BASICS)
    late = Expected("monthly", 1, None, 3, ((Reason.AWAITING_RESTART.value, 3),))
    lines = visible(comment(change, Prediction(NOW + timedelta(days=30), 95, (late,), ())))

    assert "| `monthly` 1 | not before 2026-04-01 | 3 | awaitingRestart 3 |" in lines


def test_digest_is_the_trailer_that_a_commit_carries():
    lines = visible(comment(review(a_world(), WITHOUT_ROLLOUT, BASICS)))

    assert re.search(r"`Patchwright-Plan: [0-9a-f]{64}`", lines[-1])


def test_refusal_shows_each_problem_as_text():
    problems = [Problem(Location("a.yaml", 3), "PW1017", f"wrong {text}") for text in HOSTILE]
    outside = text_outside_code(rendered("\n".join(refusal_markdown(problems))))

    assert "refused, 13 problems" in outside
    assert not [word for word in ("torvalds", "onerror", "approve") if word in outside]
