"""Builds `desk:` of trueup.yaml, and checks that no secret leaves the machine in clear."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from trueup.config.environment import exposed_secrets, resolve
from trueup.config.node import Node
from trueup.loopback import is_in_clear
from trueup.model.desk import NO_DESK, DeskSettings, OidcSettings
from trueup.model.finding import Finding, Severity


def parse_desk(node: Node | None, env: Mapping[str, str], findings: list[Finding]) -> DeskSettings:
    """Returns the settings. What is wrong with them, and variables that are not set, are findings.

    A variable that is not set is an error only for what logs people in.
    """
    if node is None:
        return NO_DESK
    address, login = node.get("address"), node.get("login")
    return DeskSettings(
        address=address.data if address else "",
        login=_login(login, env, findings) if login else None,
    )


def _login(node: Node, env: Mapping[str, str], findings: list[Finding]) -> OidcSettings:
    resolved = resolve(node, env)
    findings += resolved.findings
    findings += [replace(one, severity=Severity.INFO, remedy="") for one in resolved.unset]
    options = {name: str(value) for name, value in resolved.options.items()}
    return OidcSettings(
        issuer=options["issuer"],
        client_id=options["client_id"],
        client_secret=options["client_secret"],
        claim=options.get("claim", "email"),
        unset=resolved.unset,
    )


def check_desk(node: Node, settings: DeskSettings) -> Iterator[Finding]:
    """Reports a secret in the file, and an issuer to which it would be sent in clear.

    `node` is `desk:`. No message holds the secret.
    """
    login = node.get("login")
    for finding in exposed_secrets(login) if login else ():
        yield replace(finding, severity=Severity.ERROR)
    if login and settings.login and is_in_clear(settings.login.issuer):
        text = "login.issuer begins with http://, so the secret would be sent in clear"
        yield Finding("address", Severity.ERROR, text, "write https://", login["issuer"].place)
