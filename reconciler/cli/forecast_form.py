"""The forms of a forecast, apart so that --help need not load the model."""

from __future__ import annotations

from enum import StrEnum


class ForecastForm(StrEnum):
    """How a forecast is printed."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"
