"""The program `patchwright`: parse, call, exit; every command's work is a module of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.catalog_app import catalog_app
from reconciler.cli.forecast_form import ForecastForm
from reconciler.cli.options import (
    DEFAULT_SITE,
    LimitOption,
    MaxAgeOption,
    NowOption,
    Output,
    OutputOption,
    PlanForm,
    ReportState,
    SchemasAction,
    SiteArgument,
    SnapshotKeyOption,
    SnapshotOption,
    finish,
    parse_now,
)
from reconciler.cli.problem_outputs.form import Form
from reconciler.cli.propose_app import propose_app
from reconciler.cli.site_app import site_app
from reconciler.cli.snapshot_app import snapshot_app

app = typer.Typer(
    name="patchwright",
    help="GitOps for software updates on fleets of machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(catalog_app, name="catalog")
app.add_typer(site_app, name="site")
app.add_typer(propose_app, name="propose")
app.add_typer(snapshot_app, name="snapshot")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new or an empty folder.")],
    git: Annotated[bool, typer.Option("--git", help="Make it a git repository too.")] = False,
) -> None:
    """Write a repository of manifests to start from, with CI files and schemas for editors.

    Example: patchwright init updates
    """
    from reconciler.cli.init import init_repository

    finish(init_repository(folder, git=git))


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files of manifests.")],
    strict: Annotated[bool, typer.Option("--strict", help="Make warnings errors.")] = False,
    catalog: Annotated[
        Path | None,
        typer.Option(help="Check updates against this archive, JSON file, folder or site."),
    ] = None,
    snapshot: SnapshotOption = None,
    snapshot_key: SnapshotKeyOption = None,
    max_age: MaxAgeOption = None,
    now: NowOption = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="How to print.")] = Form.TEXT,
) -> None:
    """Find everything that is wrong in manifests; needs no site.

    Example: patchwright validate manifests/
    """
    from reconciler.cli.snapshot_file import SnapshotFile
    from reconciler.cli.validate import validate_paths

    moment = parse_now(now)
    file = SnapshotFile(snapshot, snapshot_key, max_age, moment) if snapshot is not None else None
    at_hand = file or catalog
    finish(validate_paths(paths, form=output, strict=strict, now=moment, catalog=at_hand))


@app.command()
def windows(
    name: Annotated[str, typer.Argument(help="A collection or a computer.")],
    since: Annotated[
        str | None, typer.Option("--from", help="A date or an instant; default: now.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="A date or an instant; default: 31 days later.")
    ] = None,
    manifests: Annotated[
        Path | None, typer.Option(help="Read manifests here; facts are known with --site only.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="Ask this site for its manifests and computers.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Take this zone for local; else each computer's own.")
    ] = None,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show when computers may be changed, which programs fit, and which deadlines cannot be met.

    Example: patchwright windows emea-servers --manifests manifests/ --timezone Europe/Rome
    """
    from reconciler.cli.windows import Asked, make_span, show_windows

    span = make_span(since, until, parse_now(now))
    chosen = site or (DEFAULT_SITE if manifests is None else None)
    finish(show_windows(Asked(name, span, manifests, chosen, timezone), output))


@app.command()
def fmt(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files of manifests.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 2 where something would be.")
    ] = False,
) -> None:
    """Put fields in order and quote ambiguous texts; comments stay. Leaves alone what is unsafe.

    Example: patchwright fmt --check manifests/
    """
    from reconciler.cli.fmt import format_paths

    finish(format_paths(paths, check=check))


@app.command()
def plan(
    site: SiteArgument = DEFAULT_SITE,
    path: Annotated[
        Path | None, typer.Option("--manifests", help="Plan this folder in place of the commit.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Show what merging --head into this revision changes.")
    ] = None,
    head: Annotated[str, typer.Option(help="The change, as a revision of git.")] = "HEAD",
    snapshot: SnapshotOption = None,
    snapshot_key: SnapshotKeyOption = None,
    max_age: MaxAgeOption = None,
    until: Annotated[
        str, typer.Option(help="How far a change's forecast looks; 0s: none.")
    ] = "30d",
    now: NowOption = None,
    output: Annotated[PlanForm, typer.Option("-o", "--output", help="How to print.")] = (
        PlanForm.TEXT
    ),
) -> None:
    """Show what apply would do, or what a change would; changes nothing. Exit code 2: anything.

    Example: patchwright plan --base origin/main --head HEAD --snapshot site.snapshot -o markdown
    """
    from reconciler.cli.plan import show_plan
    from reconciler.cli.snapshot_file import SnapshotFile

    moment = parse_now(now)
    file = SnapshotFile(snapshot, snapshot_key, max_age, moment) if snapshot is not None else None
    if base is not None:
        from reconciler.cli.review import ChangeAsked, show_change

        asked = ChangeAsked(path or Path(), base, head, site, file, until, moment)
        finish(show_change(asked, output))
    if output in {PlanForm.MARKDOWN, PlanForm.TRAILER}:
        raise typer.BadParameter(f"{output} is for a change: name its --base", param_hint="-o")
    finish(show_plan(site, path, moment, output, file))


@app.command()
def forecast(
    rollout: Annotated[
        str | None, typer.Argument(help="Tell of this rollout only; default: of all.")
    ] = None,
    site: SiteArgument = DEFAULT_SITE,
    manifests: Annotated[
        Path | None, typer.Option(help="Take this folder in place of the commit.")
    ] = None,
    snapshot: SnapshotOption = None,
    snapshot_key: SnapshotKeyOption = None,
    max_age: MaxAgeOption = None,
    until: Annotated[str, typer.Option(help="How long, as 30d, or until which instant.")] = "30d",
    tick: Annotated[str, typer.Option(help="How long a step is.")] = "15m",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    now: NowOption = None,
    output: Annotated[
        ForecastForm, typer.Option("-o", "--output", help="How to print.")
    ] = ForecastForm.TEXT,
) -> None:
    """Expect what comes: openings, compliance by day, missed deadlines and why, restarts.

    Example: patchwright forecast september --until 30d -o svg > september.svg
    """
    from reconciler.cli.forecast import Asked, show_forecast
    from reconciler.cli.snapshot_file import SnapshotFile

    moment = parse_now(now)
    file = SnapshotFile(snapshot, snapshot_key, max_age, moment) if snapshot is not None else None
    asked = Asked(rollout, site, manifests, file, until, tick, seed, moment)
    finish(show_forecast(asked, output))


@app.command()
def simulate(
    manifests: Annotated[Path, typer.Option(help="A folder of manifests.")],
    fleet: Annotated[Path, typer.Option(help="What the fleet is like: docs/simulate.md.")],
    catalog: Annotated[
        Path | None,
        typer.Option(help="Updates of this archive, JSON file, folder, snapshot or site too."),
    ] = None,
    site: Annotated[
        str | None, typer.Option("--as", help="Which Site manifest it is, where there are several.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How long.")] = 30,
    tick: Annotated[str, typer.Option(help="How long a step is.")] = "15m",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    now: NowOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A file for the timeline.")
    ] = None,
) -> None:
    """Run the planner over an invented fleet in virtual time; prints a timeline as JSON lines.

    Example: patchwright simulate --manifests manifests/ --fleet fleet.yaml --days 30 --seed 1
    """
    from reconciler.cli.simulate import Asked, simulate

    finish(
        simulate(Asked(manifests, fleet, catalog, site, days, tick, seed, parse_now(now)), output)
    )


@app.command()
def replay(
    commit: Annotated[str, typer.Option("--commit", help="The commit that was in force.")],
    snapshot: Annotated[Path, typer.Option(help="What the site knew, as it was exported.")],
    at: Annotated[
        str | None, typer.Option("--at", help="The plan's instant; default: the snapshot's.")
    ] = None,
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a past plan again, byte for byte; the site gives only its repository.

    Example: patchwright replay --commit 4f0c… --snapshot monday.snapshot --at 2026-03-02T09:00:00Z
    """
    from reconciler.cli.replay import Past, replay_plan

    finish(replay_plan(site, Past(commit, snapshot, parse_now(at, "--at")), output))


@app.command()
def apply(site: SiteArgument = DEFAULT_SITE, output: OutputOption = Output.TEXT) -> None:
    """Read the source, take messages in, and do what the plan says, once.

    Example: patchwright apply --site /var/lib/patchwright
    """
    from reconciler.cli.apply import apply_once

    finish(apply_once(site, output))


@app.command()
def run(
    site: SiteArgument = DEFAULT_SITE,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write the agents' URL here once they may call.")
    ] = None,
) -> None:
    """Run the site: reconcile for ever and serve agents. SIGHUP reads the source at once.

    Example: patchwright run --site /var/lib/patchwright
    """
    from reconciler.cli.run import run_site

    finish(run_site(site, ready_file))


@app.command()
def status(site: SiteArgument = DEFAULT_SITE, output: OutputOption = Output.TEXT) -> None:
    """Show how far the fleet is. Exit code 0 only when it has converged.

    Example: patchwright status --site /var/lib/patchwright
    """
    from reconciler.cli.status import show_status

    finish(show_status(site, output))


@app.command()
def explain(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="COMPUTER [UPDATE] | rollout NAME [RELEASE] [PHASE] | drill NAME [RUN]",
            help="What to explain.",
        ),
    ],
    site: SiteArgument = DEFAULT_SITE,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say why a computer is not patched, why a phase has not passed, or how a drill goes.

    Example: patchwright explain web-01 --site /var/lib/patchwright
    """
    from reconciler.cli.explain import show_explanation

    finish(show_explanation(site, words, parse_now(now), output))


@app.command()
def token(
    uses: Annotated[int, typer.Option(help="How many machines may enrol with it.")] = 1,
    valid: Annotated[str, typer.Option(help="For how long, as 8h or 7d.")] = "1d",
    collection: Annotated[
        str, typer.Option(help="Their fact enrolment.collection, which collections select by.")
    ] = "",
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a token to enrol with: for one machine within a day, or for images as you say.

    Example: patchwright token --site /var/lib/patchwright > web-01.token
    Example: patchwright token --uses 50 --valid 7d --collection web > image.token
    """
    from reconciler.cli.enrolment_token import print_token

    finish(print_token(site, output, uses, valid, collection))


@app.command()
def revoke(
    computer: Annotated[str, typer.Argument(help="Name of the computer.")],
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a computer's credential void; its record stays, and it may enrol anew; audited.

    Example: patchwright revoke web-01 --site /var/lib/patchwright
    """
    from reconciler.cli.computers import revoke_credential

    finish(revoke_credential(site, computer, output))


@app.command()
def retire(
    computer: Annotated[str, typer.Argument(help="Name of the computer.")],
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Take a computer out of the fleet, and free its name; audited.

    Example: patchwright retire web-01 --site /var/lib/patchwright
    """
    from reconciler.cli.computers import retire_computer

    finish(retire_computer(site, computer, output))


@app.command()
def events(
    site: SiteArgument = DEFAULT_SITE,
    limit: LimitOption = 50,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show the newest changes of conditions, newest first.

    Example: patchwright events --limit 20 --site /var/lib/patchwright
    """
    from reconciler.cli.history import show_events

    finish(show_events(site, limit, output))


@app.command()
def audit(
    site: SiteArgument = DEFAULT_SITE,
    limit: LimitOption = 50,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what people did to the site by hand, newest first.

    Example: patchwright audit --site /var/lib/patchwright -o json
    """
    from reconciler.cli.history import show_audit

    finish(show_audit(site, limit, output))


@app.command("release-permit")
def release_permit(
    computer: Annotated[str, typer.Argument(help="Name of the computer.")],
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Take back a computer's permits, so that others may start in its place; audited.

    Example: patchwright release-permit web-01 --site /var/lib/patchwright
    """
    from reconciler.cli.release_permit import release_permits

    finish(release_permits(site, computer, output))


@app.command()
def promote(
    name: Annotated[str, typer.Argument(help="The rollout.")],
    source: Annotated[Path, typer.Option("--from", help="Folder where it was tried.")],
    target: Annotated[Path, typer.Option("--to", help="Folder that takes it over.")],
    site: Annotated[
        Path | None, typer.Option(help="The site that tried it: its status is the evidence.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="The evidence as a file: its `status -o json`.")
    ] = None,
    force: Annotated[
        str, typer.Option(help="Promote without a success all the same, for this reason.")
    ] = "",
    as_query: Annotated[
        bool,
        typer.Option("--as-query", help="Take queries over; else what was tried is pinned."),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the files; else the difference is printed.")
    ] = False,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Take a rollout that succeeded in one folder over into another, with the evidence.

    Exit code 2 where the difference is only printed.

    Example: patchwright promote november --from test --to production --site /var/lib/test --write
    """
    from datetime import UTC, datetime

    from reconciler.cli.edited import Edit
    from reconciler.cli.promote import Asked
    from reconciler.cli.promote import promote as promote_rollout

    if site is not None and evidence is not None:
        raise typer.BadParameter("give --site or --evidence, not both")
    edit = Edit(target, parse_now(now) or datetime.now(UTC), write, output)
    finish(promote_rollout(edit, Asked(name, source, site, evidence, force, as_query)))


@app.command("report-pr")
def report_pr(
    body: Annotated[Path, typer.Argument(help="File with the Markdown; - is standard input.")],
    name: Annotated[str, typer.Option(help="Tells reports of one pull request apart.")] = "plan",
    state: Annotated[ReportState, typer.Option(help="The commit status.")] = ReportState.SUCCESS,
    description: Annotated[str, typer.Option(help="One line for the commit status.")] = "",
    link: Annotated[str, typer.Option("--link", help="Where the status leads.")] = "",
    as_text: Annotated[
        bool, typer.Option("--as-text", help="Show the file letter by letter, not as Markdown.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token; else it is in the environment.")
    ] = None,
    forge: Annotated[str, typer.Option(help="github, gitlab or gitea; default: the CI's.")] = "",
    api_url: Annotated[str, typer.Option(help="Address of the forge's interface.")] = "",
    repository: Annotated[str, typer.Option(help="OWNER/NAME, or a project of GitLab.")] = "",
    number: Annotated[int, typer.Option(min=0, help="Number of the pull request.")] = 0,
    commit: Annotated[str, typer.Option(help="The commit that gets the status.")] = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Post a report on a pull request: one comment, updated each time, and a commit status.

    The token is read from PATCHWRIGHT_FORGE_TOKEN, or GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN.

    Example: patchwright report-pr plan.md --state success
    """
    from reconciler.cli.report_pr import Asked, report
    from reconciler.forges.pull_request import ForgeKind, PullRequest

    if forge and forge not in set(ForgeKind):
        raise typer.BadParameter("write github, gitlab or gitea", param_hint="--forge")
    kind = ForgeKind(forge) if forge else None
    given = PullRequest(kind, api_url, repository, number, commit)
    asked = Asked(body, name, state.value, description, link, as_text, token_file)
    finish(report(asked, given, output))


@app.command()
def schemas(
    action: Annotated[SchemasAction, typer.Argument(help="What to do.")] = SchemasAction.WRITE,
    folder: Annotated[Path, typer.Option("--folder", help="Where the files lie.")] = Path(
        "schemas"
    ),
) -> None:
    """Write the JSON Schemas of all kinds, or check that they are up to date.

    Example: patchwright schemas check
    """
    from reconciler.cli.schemas import check_schemas, write_schemas

    is_check = action is SchemasAction.CHECK
    finish(check_schemas(folder) if is_check else write_schemas(folder))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the site running at the end.")] = (
        False
    ),
) -> None:
    """Run the main job on throwaway machines: git to compliance, then once more. Needs root.

    Example: patchwright demo
    """
    from reconciler.demo.show import run_demo

    finish(run_demo(keep=keep))


@app.command(hidden=True)
def serve(
    site: SiteArgument = DEFAULT_SITE,
    ready_file: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Serve agents only; `run` starts this as a process of its own."""
    from reconciler.cli.serve import serve_site

    finish(serve_site(site, ready_file))


def main() -> None:
    """Run the program; an expected error is one line on stderr and its exit code."""
    from reconciler.model.errors import ReconcilerError, StaleSnapshotError

    try:
        app()
    except StaleSnapshotError as error:
        _report(error)
        sys.exit(4)
    except ReconcilerError as error:
        _report(error)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does.
        sys.stderr.close()
        sys.exit(1)


def _report(error: Exception) -> None:
    typer.echo(f"error: {error}", err=True)
    hint = getattr(error, "hint", "")
    if hint:
        typer.echo(f"    hint: {hint}", err=True)
    for problem in getattr(error, "problems", ()):
        typer.echo(str(problem), err=True)
