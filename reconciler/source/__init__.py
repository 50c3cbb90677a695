"""Git repositories and YAML documents."""
