"""The environment as the project of a tenant sees it, with the tenant's secrets."""

import os
from collections.abc import Iterator, Mapping

from trueup.errors import ConfigError
from trueup.fleet.secrets import resolve
from trueup.model.finding import Finding
from trueup.model.fleet import EnvironmentSecret, Tenant
from trueup.operations.redaction import remember


class TenantEnvironment(Mapping[str, str]):
    """Environment variables by name; a secret of the tenant is read on first access.

    So secrets that the project does not use are never read. A value that was read is hidden in all
    texts of this process. `used` has the names of secrets that were accessed. One that cannot be
    read counts as not set; `faults` has the reason, by name.
    """

    def __init__(
        self, tenant: Tenant, env: Mapping[str, str] = os.environ, *, resolves: bool = True
    ) -> None:
        """With `resolves` false only secrets in variables are read, and there are no faults."""
        self.tenant = tenant
        self._secrets, self._env, self._resolves = tenant.secrets, env, resolves
        self._known: dict[str, str] = {}
        self.faults: dict[str, Finding] = {}
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> str:
        if name not in self._secrets:
            value = self._env[name]
            remember(value)
            return value
        self.used.add(name)
        if name not in self._known:
            self._known[name] = self._read(name)
        if not self._known[name]:
            raise KeyError(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter({*self._env, *self._secrets})

    def __len__(self) -> int:
        return len({*self._env, *self._secrets})

    def __repr__(self) -> str:
        return f"TenantEnvironment({', '.join(sorted(self._secrets))})"

    def _read(self, name: str) -> str:
        """Returns the value; empty if it is unknown."""
        reference = self._secrets[name]
        if not self._resolves:
            if isinstance(reference, EnvironmentSecret):
                return self._env.get(reference.variable, "")
            return ""
        try:
            return resolve(reference, self._env)
        except ConfigError as error:
            faults = (finding for finding in error.findings if isinstance(finding, Finding))
            self.faults[name] = next(faults)
            return ""
