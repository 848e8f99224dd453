"""Proof by fault: apply is killed and broken everywhere, taken up again, compared with an undisturbed run."""
