"""dnf and rpm behind the agent's package-manager port."""
