"""The benchmarks: `make bench` runs all of them.

`start` measures what commands cost before they do anything, `unchanged` plans that find nothing,
`plans` and `applies` measure plan and apply, `million` the plan of many rows read from files,
`sandbox` and `dataverse` the two sandboxes and the source.
"""
