"""How the stages come together for one mapping, and what has to be read for that."""
