"""The reverse of a run, as a plan."""
