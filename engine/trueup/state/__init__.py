"""The state, whatever database keeps it. Start reading in `store`; adapters are folders."""
