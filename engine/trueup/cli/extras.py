"""Reports a missing extra to the user of a command that needs it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager


@contextmanager
def needing(what: str, extra: str, packages: Collection[str]) -> Iterator[None]:
    """The block imports what `what`, a command or an option, needs.

    `packages` are the import names of the packages in the extra. Raises EngineError if one of them
    is missing; any other missing module is a defect and stays an ImportError.
    """
    from trueup.errors import EngineError

    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in packages:
            raise
        raise EngineError(f"{what} needs `pip install 'trueup[{extra}]'`") from error
