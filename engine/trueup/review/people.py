"""The roles of people at the desk, by `approval:` of the project; checked on each request."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from msgspec import Struct

from trueup.config.file_names import PROJECT
from trueup.errors import EngineError
from trueup.model.approval import PREPARES, ApprovalPolicy, Role
from trueup.operations.project import load_project
from trueup.render.formatting import money

READS = frozenset({"GET", "HEAD"})

SEES = frozenset({Role.SEE})

APPLIES = frozenset({Role.DECIDE, Role.APPROVE})

FORMS: Mapping[str, frozenset[Role]] = {
    "/plan": PREPARES,
    "/preview": PREPARES,
    "/approval": PREPARES,  # statements about a plan also depend on limits
    "/apply": APPLIES,
    "/stop": APPLIES,
    "/resume": APPLIES,
    "/undo": APPLIES,
    "/settle": APPLIES,
    "/close": APPLIES,
    "/logout": frozenset(Role),
    "/explain": frozenset(Role),  # only reads
    "/note": frozenset({Role.DECIDE}),
    "/decide": frozenset({Role.DECIDE}),
    "/decision": frozenset({Role.DECIDE}),
}
"""The roles that may send a form to an address, one of which is enough.

Any address that is not listed here needs the role of the setup, so that none is open by mistake.
"""

NO_ROLES = (
    "The project has no `approval:` any more, which names the people of this desk. Ask who "
    "administers it."
)

SETUP = frozenset({Role.ADMINISTER})

PAGES: Mapping[str, frozenset[Role]] = {"/setup": SETUP, "/setup/edit": SETUP, "/doctor": SETUP}
"""The roles that may open a page, one of which is enough. Any other page only needs `see`."""


class Person(Struct, frozen=True):
    """The logged-in person, as the head of each page shows them."""

    name: str
    roles: frozenset[Role]
    about: str = ""  # roles and limit in words; empty where the project has no roles

    def may_send(self, path: str) -> bool:
        """Returns whether the person may send a form to an address: pages show no other forms."""
        return bool(self.roles & FORMS.get(path, SETUP))

    def may_open(self, path: str) -> bool:
        """Returns whether the person may open a page: tabs of others are not shown."""
        return bool(self.roles & PAGES.get(path, SEES))


class People:
    """The people of a project, by its present trueup.yaml. Any thread may use it."""

    def __init__(self, folder: Path, *, listed_only: bool = False) -> None:
        """Reads the project. Raises ConfigError for an invalid one.

        `listed_only`: a person who is in no list has no role, not even a role without a list.
        """
        self._folder, self._lock, self._listed_only = folder, Lock(), listed_only
        self._stamp = self._stamped()
        project = load_project(folder)
        self._policy, self._currency = project.approval, project.currency

    @property
    def policy(self) -> ApprovalPolicy | None:
        """The present `approval:`. A file with errors changes nothing until it is corrected."""
        with self._lock:
            stamp = self._stamped()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    project = load_project(self._folder)
                except (EngineError, OSError):  # the next plan names the error on each page
                    return self._policy
                self._policy, self._currency = project.approval, project.currency
            return self._policy

    def _stamped(self) -> tuple[int, int]:
        """Returns a value that changes when the file is written."""
        try:
            found = (self._folder / PROJECT).stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def person(self, name: str) -> Person:
        """Returns the person of that name, with roles and limit."""
        policy = self.policy
        if policy is None:
            return Person(name, frozenset(Role))
        roles = self._roles(policy, name)
        shown = _words(roles - {Role.SEE}) or _words(roles)
        return Person(name, roles, ", ".join([*shown, *_limit(policy, name, self._currency)]))

    def _roles(self, policy: ApprovalPolicy, name: str) -> frozenset[Role]:
        if self._listed_only and not policy.listed(name):
            return frozenset()
        return policy.roles_of(name)

    def refusal(self, name: str, method: str, path: str) -> str:
        """Returns why the person may not make the request; "" if they may."""
        policy = self.policy
        if policy is None:
            return NO_ROLES if self._listed_only else ""
        roles = self._roles(policy, name)
        if Role.SEE not in roles:
            return f"`approval:` of the project names no role for {name}. Ask who administers it."
        needed = PAGES.get(path, SEES) if method in READS else FORMS.get(path, SETUP)
        if roles & needed:
            return ""
        listed = " or ".join(sorted(needed))
        held = ", ".join(_words(roles))
        return f"This needs the role {listed}, and {name} has {held}. Nothing was done."


def _words(roles: frozenset[Role]) -> list[str]:
    return [str(role) for role in Role if role in roles]


def _limit(policy: ApprovalPolicy, name: str, currency: str) -> list[str]:
    """Returns up to which amount the person may approve, in words; none if they may not."""
    if not policy.may_approve(name):
        return []
    limit = policy.limit_of(name).amount
    return ["any amount" if limit is None else f"up to {money(limit, currency)}"]
