"""Reads the tests of a project: YAML becomes checked tests, every fault with its place."""
