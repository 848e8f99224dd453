"""Plans the reverse of a run."""
