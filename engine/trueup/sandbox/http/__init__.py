"""The frame of both sandboxes; it imports neither of them."""
