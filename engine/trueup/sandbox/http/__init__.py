"""What both sandboxes share; it imports neither of them.

- `server`: serves one sandbox at one address. Start reading here.
- `listener`, `request`, `responses`: HTTP down to the socket.
- `control`: the routes under /sandbox that only a sandbox has.
- `fault`, `faults`, `fault_effects`: faults on demand.
- `clock`, `traffic`: the sandbox's clock and the record of its requests.
- `sqlite_files`: SQLite files and their snapshots.
"""
