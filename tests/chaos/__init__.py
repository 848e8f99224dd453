"""Proof by fault: apply is killed and broken everywhere, taken up again, and compared with a run that nobody disturbed."""
