"""The state adapters behind `ports.State`, one folder each; `wiring` opens them."""
