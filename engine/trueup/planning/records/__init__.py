"""Plans one mapping whose records can be read: match, diff, and everything that blocks a row."""
