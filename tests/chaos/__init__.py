"""Fault tests: apply is killed and disturbed, resumed, and compared with an undisturbed run.

Start reading in `harness`. `make chaos` runs thousands of kills and faults, `test_chaos` a few.
"""
