"""Every error that is raised on purpose.

EngineError                 exit code 1, one line, no traceback
├─ ConfigError              the project's files; carries findings
├─ ExpressionFault          an expression that cannot be compiled, with the offset in its text
├─ SourceError              the source could not be read or written
├─ TargetError              the target could not be read or written
│  ├─ TargetUnavailable     no reliable answer; `may_have_landed`: a write may have taken effect
│  └─ TargetRejected        refused, with the target's own messages; retrying does not help;
│                           `may_have_landed`: a write may have taken effect all the same
├─ StateError               the state cannot be used
│  ├─ StateLocked           another run holds the lock
│  ├─ RunLeftOpen           exit code 3: the state failed, or the lock was lost, in the middle of
│  │                        a run; resumable
│  └─ StalePlan             the configuration or the state has changed since planning
├─ FleetDatabaseAway        the fleet's database cannot be reached
├─ SandboxError             the sandbox's database, seed or switches cannot be used
├─ PlanRefused              the plan is over a limit, or lacks its approval; carries findings
│  └─ ApprovalMissing       the plan needs an approval that it does not have
├─ Stopped                  the run was stopped before a write was sent
└─ CallsUsedUp              the run's own limit on calls is reached; resumable
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

RIGHTS = "`trueup doctor` names the rights that the API user lacks"
"""What to do where the target refuses a request for lack of rights."""


LONGEST_LINE = 2_000
"""Characters of a line in a message. A value of megabytes may stand in it, of a file say."""

_END_OF_LINE = 300
"""Of these, how many are kept at the end of a line, which says what to do."""


def shortened(text: str) -> str:
    """Returns a message whose lines are not too long: the middle of a longer line is left out."""
    if len(text) <= LONGEST_LINE:
        return text
    return "\n".join(map(shortened_line, text.split("\n")))


def shortened_line(line: str) -> str:
    """Returns a text that is shown on one line: the middle of a longer one is left out."""
    if len(line) <= LONGEST_LINE:
        return line
    left_out = len(line) - LONGEST_LINE
    beginning, end = line[: LONGEST_LINE - _END_OF_LINE], line[-_END_OF_LINE:]
    return f"{beginning} […{left_out:,} characters…] {end}"


class HasLine(Protocol):
    """What an error needs of the findings that it carries: one line each."""

    def line(self) -> str:
        """Place, what is wrong, what to do."""
        ...


class EngineError(Exception):
    """Something that the user can fix. The text says what is wrong and what to do."""

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(message))


class ConfigError(EngineError):
    """The project's files are not valid."""

    def __init__(self, findings: Sequence[HasLine]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.line() for finding in self.findings))


class ExpressionFault(EngineError):
    """An expression that cannot be compiled. `offset` counts characters from its start."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class SourceError(EngineError):
    """The source could not be read or written."""


class TargetError(EngineError):
    """The target could not be read or written."""


class TargetUnavailable(TargetError):
    """No reliable answer came back.

    `may_have_landed` is True if a write was sent and its effect is unknown.
    """

    def __init__(self, message: str, *, may_have_landed: bool = False) -> None:
        super().__init__(message)
        self.may_have_landed = may_have_landed


class TargetRejected(TargetError):
    """The target refused; `errors` are its own messages. Sending the same again does not help.

    `may_have_landed` is True if a write was refused in a way that does not prove that it had no
    effect, such as a duplicate after a request that was delivered twice.
    """

    def __init__(
        self,
        message: str,
        *,
        errors: Sequence[str] = (),
        status: int = 500,
        lacks_rights: bool = False,
        may_have_landed: bool = False,
    ) -> None:
        """`status` is the HTTP status, 0 if nothing was sent.

        `lacks_rights`: the API user may not do this.
        """
        super().__init__(message)
        self.errors = tuple(errors)
        self.status = status
        self.lacks_rights = lacks_rights
        self.may_have_landed = may_have_landed


class StateError(EngineError):
    """The state cannot be used."""


class StateLocked(StateError):
    """Another run holds the lock; `until` is when its lease ends, where that is known."""

    def __init__(self, text: str, until: datetime | None = None) -> None:
        super().__init__(text)
        self.until = until


class RunLeftOpen(StateError):
    """The state failed, or the lock was lost, in the middle of a run: `resume` goes on with it.

    Its changes are partly sent, or in doubt. The cause is the error of the state.
    """


class StalePlan(StateError):
    """The configuration or the state has changed since the plan was made."""


class FleetDatabaseAway(EngineError):
    """The fleet's database cannot be reached; a worker waits for it."""


class SandboxError(EngineError):
    """The sandbox's database, seed or switches cannot be used."""


class PlanRefused(EngineError):
    """The plan is over a limit, or lacks its approval; `findings` say which, with the figures."""

    def __init__(self, findings: Sequence[HasLine]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.line() for finding in self.findings))


class ApprovalMissing(PlanRefused):
    """The plan needs an approval that it does not have; `findings` say which."""


class Stopped(EngineError):
    """The run was stopped before this was sent."""


class CallsUsedUp(EngineError):
    """The run's own limit on calls is reached; it can be resumed."""
