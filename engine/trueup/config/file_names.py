"""The names of the files of a project and of a fleet."""

PROJECT = "trueup.yaml"
"""The file that makes a folder a project."""

FLEET = "fleet.yaml"
"""The file that makes a folder a fleet."""
