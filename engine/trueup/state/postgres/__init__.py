"""The states of many tenants in one PostgreSQL database; `sql/` holds every statement."""
