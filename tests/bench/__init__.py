"""The benchmarks: `make bench` runs all of them.

`plans` and `applies` measure plan and apply, `sandbox` and `dataverse` the two sandboxes and the
source.
"""
