"""One append-only mapping: pending changes against the units that the target bills."""
