"""Plans one append-only mapping: pending changes compared with the units that the target bills."""
