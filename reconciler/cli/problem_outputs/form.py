"""The forms in which problems are printed."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """How problems are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
