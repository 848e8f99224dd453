"""The data types of the engine: frozen structs. It uses msgspec and the standard library only."""
