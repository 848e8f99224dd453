"""`python -m engine` is `trueup`."""

from engine.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
