"""apt and dpkg behind the agent's package-manager port."""
