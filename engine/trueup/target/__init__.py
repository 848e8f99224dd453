"""Adapters that read and write Autotask behind the `Target` port.

`autotask` holds everything that knows the Autotask REST API on the client side.
"""
