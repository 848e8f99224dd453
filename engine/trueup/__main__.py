"""`python -m trueup` is `trueup`."""

from trueup.model.gc_pause import collect_rarely, gc_paused

collect_rarely()
with gc_paused():  # what is imported stays, so there is nothing to collect
    from trueup.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
