"""Agents in virtual time: a model in columns, under the planner that a site runs."""
