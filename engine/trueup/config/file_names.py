"""The names of the files of a project."""

PROJECT = "trueup.yaml"
"""The file that makes a folder a project."""
