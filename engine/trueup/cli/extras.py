"""Commands that need an extra: what to say where it is not installed."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager


@contextmanager
def needing(what: str, extra: str, packages: Collection[str]) -> Iterator[None]:
    """The block imports what `what` needs: a command or an option, as users write it.

    `packages` are those that the extra brings, by their import names. Raises EngineError if one
    of them is missing; any other module that is missing is a defect.
    """
    from trueup.errors import EngineError

    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in packages:
            raise
        raise EngineError(f"{what} needs `pip install trueup[{extra}]`") from error
