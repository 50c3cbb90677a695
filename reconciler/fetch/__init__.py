"""Reads files of archives over the network; a floor below the rooms that need them."""

from reconciler.fetch.fetcher import Fetcher, join_url
from reconciler.model.errors import FetchError

__all__ = ["FetchError", "Fetcher", "join_url"]
