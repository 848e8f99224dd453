"""Tests of a project: run them in throw-away sandboxes."""
