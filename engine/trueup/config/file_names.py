"""The names of the files and folders of a project and of a fleet."""

PROJECT = "trueup.yaml"
"""The file that makes a folder a project."""

FLEET = "fleet.yaml"
"""The file that makes a folder a fleet."""

MAPPINGS = "mappings"
RULES = "rules"
DECISIONS = f"{MAPPINGS}/decisions.yaml"
NOTES = f"{MAPPINGS}/notes.yaml"
