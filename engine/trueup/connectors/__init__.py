"""The connectors that a project may name, and what each needs to be opened."""
