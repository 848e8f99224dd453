"""A project folder (YAML) in, a checked `Project` or findings with places out."""
