"""The program `patchwright-agent`: arguments in, exit code out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from reconciler.agent import commands, user_commands
from reconciler.agent.log import LEVELS
from reconciler.model.errors import ReconcilerError

_EPILOG = """examples:
  patchwright-agent scan --local -o json
  patchwright-agent enrol --server https://site.example:8443 --ca ca.pem --token-file token
  patchwright-agent run
"""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command: 0 all worked, 1 something did not, 2 wrong arguments."""
    options = make_parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ReconcilerError as error:
        sys.stderr.write(f"patchwright-agent: error: {error}\n")
        if error.hint:
            sys.stderr.write(f"    hint: {error.hint}\n")
        return 1
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        # Whoever read our output has enough of it.
        sys.stderr.close()
        return 1
    except OSError as error:
        sys.stderr.write(f"patchwright-agent: error: {error}\n")
        return 1


def make_parser() -> argparse.ArgumentParser:
    """Describe every command and option."""
    parser = argparse.ArgumentParser(
        prog="patchwright-agent",
        description="Keeps this machine's software as its site's git repository wants it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added = parser.add_subparsers(required=True, metavar="COMMAND")
    enrol = _add(added, "enrol", commands.enrol, "become a computer of a site")
    _add_site(enrol, required=True)
    enrol.add_argument("--name", help="the computer's name (default: its hostname)")
    run = _add(added, "run", commands.run, "scan, install and report until SIGTERM")
    _add_site(run, required=False)
    run.add_argument("--name", help="the computer's name where it still has to enrol")
    _add(added, "once", commands.once, "make one pass: poll, scan, install what is due, report")
    scan = _add(added, "scan", commands.scan, "scan now and print what was found")
    scan.add_argument(
        "--local", action="store_true", help="ask the machine's own sources: no site, no change"
    )
    scan.add_argument("-o", "--output", choices=("text", "json"), default="text")
    doctor = _add(added, "doctor", commands.doctor, "say what keeps the agent from its work")
    doctor.add_argument("-o", "--output", choices=("text", "json"), default="text")
    status = _add(added, "status", commands.status, "show who we are and what was done last")
    status.add_argument("-o", "--output", choices=("text", "json"), default="text")
    _add_user_commands(added)
    return parser


def _add_user_commands(added: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    pending = _add(added, "pending", user_commands.pending, "show what waits for you or its time")
    pending.add_argument("-o", "--output", choices=("text", "json"), default="text")
    install = _add(
        added, "install-now", user_commands.install_now, "install an offer now, in any window"
    )
    install.add_argument("offer", help="its id, as `pending` shows it")
    install.add_argument("--at", metavar="INSTANT", help="then, and not now: 2025-09-02T22:00:00Z")
    postpone = _add(
        added, "postpone", user_commands.postpone, "put off an offer or a restart for a while"
    )
    postpone.add_argument("offer", help="its id, or `restart`")
    postpone.add_argument("--for", dest="span", metavar="DURATION", help="as 2h or 1d")
    postpone.add_argument("--until", metavar="INSTANT", help="as 2025-09-02T22:00:00Z")


def _add(
    added: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: commands.Command,
    summary: str,
) -> argparse.ArgumentParser:
    parser = added.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="the machine to work on (default: /)",
    )
    parser.add_argument("--log-level", choices=LEVELS, help="what to log (default: info)")
    parser.set_defaults(command=command)
    return parser


def _add_site(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--server", required=required, metavar="URL", help="https, or http on loopback only"
    )
    parser.add_argument(
        "--token-file", type=Path, required=required, metavar="FILE", help="a one-time token"
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the site's own CA, as PEM")


if __name__ == "__main__":
    sys.exit(main())
