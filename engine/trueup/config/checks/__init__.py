"""Specs against catalogues and each other: each check gives findings, none stops at the first."""
