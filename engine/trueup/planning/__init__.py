"""Plans the mappings one after the other, and assembles the plan."""
