"""Importers of update metadata."""
