"""A site's settings: the file `site.toml` in its folder, and nothing else."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reconciler.model.errors import SettingsError
from reconciler.model.times import parse_duration

SETTINGS_FILE = "site.toml"
_LONGEST_FILE = 64 * 1024


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class VerifyTable(_Table):
    """Whose signatures make a revision valid."""

    ssh: list[str] = Field(
        default_factory=list, description="SSH keys as in ssh-keygen's allowed signers."
    )
    ssh_revoked: list[str] = Field(
        default_factory=list, description="SSH keys that are good no longer, whenever they signed."
    )
    openpgp: dict[str, str] = Field(
        default_factory=dict, description="The fingerprint of each name's OpenPGP key."
    )
    openpgp_keys: str = Field(
        "", description="File with these keys, as exported; below the site's folder or absolute."
    )
    recorders: list[str] = Field(
        default_factory=list,
        description="Names whose signed tags tell which reviews of others a forge recorded.",
    )


class SourceSettings(_Table):
    """Where the desired state lies."""

    url: str = Field(min_length=1, description="Repository: a path, or an https or ssh URL.")
    ref: str = Field("main", min_length=1, description="Branch, tag or commit to follow.")
    path: str = Field("", description="Folder of the manifests inside the repository.")
    interval: Duration = Field(
        timedelta(seconds=60), description="How often it is read; SIGHUP reads it at once."
    )
    stale_after: Duration = Field(
        timedelta(hours=1),
        description="Without a whole read for so long nothing opens, soaks or retires (S29).",
    )
    verify: VerifyTable | None = Field(
        None, description="Whose signature a revision needs; without it, none (S24)."
    )


class ServerTable(_Table):
    """The management point."""

    host: str = Field(
        "127.0.0.1", description="Address to listen on; others than loopback use TLS."
    )
    port: int = Field(8443, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    tls: Literal["auto", "always"] = Field(
        "auto", description="auto: TLS unless the address is loopback; always: there too."
    )
    policy_lifetime: Duration = Field(
        timedelta(hours=1), description="How long a policy holds without contact."
    )
    poll_every: Duration = Field(
        timedelta(seconds=30), description="How often agents ask where they cannot wait."
    )
    enrolments_per_minute: int = Field(60, ge=1, description="Enrolments from one address.")


class Settings(_Table):
    """All settings of a site."""

    name: str = Field(min_length=1, description="Name of the Site manifest that is this site.")
    code: str = Field(pattern="^[A-Z][A-Z0-9]{2}$", description="Three characters that begin ids.")
    source: SourceSettings
    server: ServerTable = ServerTable()


def load_settings(folder: Path) -> Settings:
    """Read the settings; SettingsError says which field is wrong, and why."""
    path = folder / SETTINGS_FILE
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_FILE).decode()
        return Settings.model_validate(tomllib.loads(text))
    except OSError as error:
        hint = f"make a site with `patchwright site init {folder}`"
        raise SettingsError(f"{path}: {error.strerror}", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}", hint="the file is TOML in UTF-8") from error
    except ValidationError as error:
        raise SettingsError(
            f"{path}: {_first_fault(error)}", hint="see docs/settings.md"
        ) from error


def render_settings(settings: Settings) -> str:
    """Write the settings that have no default, with the others as comments to uncomment."""
    source = settings.source
    return "\n".join(
        [
            "# Settings of a Patchwright site; docs/settings.md tells all of them.",
            f"name = {_quote(settings.name)}",
            f"code = {_quote(settings.code)}",
            "",
            "[source]",
            f"url = {_quote(source.url)}",
            f"ref = {_quote(source.ref)}",
            f"path = {_quote(source.path)}",
            f'interval = "{int(source.interval.total_seconds())}s"',
            "",
            "[server]",
            f"host = {_quote(settings.server.host)}",
            f"port = {settings.server.port}",
            "",
        ]
    )


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _first_fault(error: ValidationError) -> str:
    detail: Any = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in detail["loc"])
    return f"{field}: {detail['msg']}"
