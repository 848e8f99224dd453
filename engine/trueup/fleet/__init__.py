"""Many tenants, each a project, run on a schedule."""
