"""The data types of the engine: frozen dataclasses that use the standard library only."""
