"""Every error that is raised on purpose.

EngineError                 exit 1, one line, no traceback
├─ ConfigError              the project's files; carries findings
├─ ExpressionFault          an expression that cannot be compiled, with the offset in its text
├─ SourceError              Work 365 could not be read or written
├─ TargetError              Autotask
│  ├─ TargetUnavailable     no answer that can be trusted; `may_have_landed` tells whether a write may have taken effect
│  └─ TargetRejected        refused in Autotask's own words; retrying will not help
├─ StateError               the state file
│  ├─ StateLocked           another run holds the lock, since when, on which host
│  └─ StalePlan             configuration or state moved on since planning; plan again
├─ SandboxError             the sandbox's database, seed or switches cannot be used
├─ PlanRefused              a guard said no; carries findings
└─ CallsUsedUp              the run's own limit on calls is reached; resumable
"""

from collections.abc import Sequence
from typing import Protocol

_FORBIDDEN = 403

RIGHTS = "`trueup doctor` names the rights that the API user lacks"
"""What to do where Autotask refuses for want of rights."""


class Said(Protocol):
    """What an error asks of the findings that it carries: one line each."""

    def line(self) -> str:
        """Place, what is wrong, what to do."""
        ...


class EngineError(Exception):
    """Something that the user can mend. The text says what is wrong and what to do."""


class ConfigError(EngineError):
    """The project's files are not as they must be."""

    def __init__(self, findings: Sequence[Said]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.line() for finding in self.findings))


class ExpressionFault(EngineError):
    """An expression that cannot be compiled; `offset` counts characters from the start of its text."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class SourceError(EngineError):
    """Work 365 could not be read or written."""


class TargetError(EngineError):
    """Autotask could not be read or written."""


class TargetUnavailable(TargetError):
    """No answer that can be trusted came back.

    `may_have_landed` is True when a write was sent and its effect is not known.
    """

    def __init__(self, message: str, *, may_have_landed: bool = False) -> None:
        super().__init__(message)
        self.may_have_landed = may_have_landed


class TargetRejected(TargetError):
    """Autotask refused; `errors` are its own words. Sending the same again will not help."""

    def __init__(self, message: str, *, errors: Sequence[str] = (), status: int = 500) -> None:
        super().__init__(message)
        self.errors = tuple(errors)
        self.status = status

    @property
    def lacks_rights(self) -> bool:
        """Does the API user's security level not grant this? Autotask says so in words with HTTP 500, or with 403."""
        return self.status == _FORBIDDEN or any("adequate permissions" in error for error in self.errors)


class StateError(EngineError):
    """The state file cannot be used."""


class StateLocked(StateError):
    """Another run holds the lock."""


class StalePlan(StateError):
    """Configuration or state moved on since the plan was made."""


class SandboxError(EngineError):
    """The sandbox's database, seed or switches cannot be used."""


class PlanRefused(EngineError):
    """A guard said no; `findings` carry the figures."""

    def __init__(self, findings: Sequence[Said]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(finding.line() for finding in self.findings))


class Stopped(EngineError):
    """Somebody stopped the run before this was sent."""


class CallsUsedUp(EngineError):
    """The limit on calls that this run was given is reached; it can be resumed."""
