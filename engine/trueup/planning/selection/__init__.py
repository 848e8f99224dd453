"""A part of a plan: `--target`, `--exclude`, `--customer`."""
