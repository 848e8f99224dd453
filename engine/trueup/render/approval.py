"""Shows where the approval of a plan stands, for a terminal and for programs."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from trueup.model.approval import ApprovalStanding, ApprovalStated, Signature
from trueup.model.audit import AuditEntry
from trueup.render.audit import SHORT, audit_json, audit_text
from trueup.render.formatting import money
from trueup.render.moments import in_zone
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style
from trueup.stages.approval import lack_text, moved_text

ENOUGH = "Nothing is missing: it may be applied."
NONE = "No statements about plans yet.\n"


def standing_text(found: ApprovalStanding, currency: str, zone: tzinfo) -> str:
    """The amount, the statements about the plan, and what is missing."""
    moved = moved_text(found.moved.amount, found.moved.unknown, currency)
    once, month = money(found.moved.once, currency), money(found.moved.month, currency)
    lines = [
        f"Plan {found.plan[:SHORT]} moves {moved}: the next invoices {once}, a month {month}.",
        *signature_lines(found, zone),
        need_text(found, currency),
    ]
    return "".join(f"{line}\n" for line in lines)


def signature_lines(found: ApprovalStanding, zone: tzinfo) -> list[str]:
    """Who asked for the approval, who approved, and who refused."""
    requests = [found.prepared] if found.prepared else []
    return [
        *(f"Asked for by {_signature_text(request, zone)}" for request in requests),
        *(f"Approved by {_signature_text(one, zone)}" for one in found.yes),
        *(f"Refused by {_signature_text(one, zone)}" for one in found.no),
    ]


def _signature_text(one: Signature, zone: tzinfo) -> str:
    text = f"{sanitize(one.who)}, {in_zone(one.at, zone)}"
    text += f": {sanitize(one.reason)}" if one.reason else ""
    return text + (f" (does not count: {one.why_not})" if one.why_not else "")


def need_text(found: ApprovalStanding, currency: str) -> str:
    """Returns whether the plan may be applied, as a sentence."""
    if not found.is_needed:
        return f"It needs no approval: it moves no more than {money(found.policy.above, currency)}."
    if not found.lacks:
        names = ", ".join(sanitize(one.who) for one in found.counting)
        return f"Approved by {names}. {ENOUGH}"
    text = sanitize(lack_text(found, currency))
    return f"{text[0].upper()}{text[1:]}."


def standing_json(found: ApprovalStanding, zone: tzinfo) -> Mapping[str, object]:
    """Returns the same as JSON."""

    def signature(one: Signature) -> Mapping[str, object]:
        return {
            "who": one.who,
            "at": in_zone(one.at, zone),
            "reason": one.reason,
            "why_not": one.why_not,
        }

    return {
        "plan": found.plan,
        "amount": str(found.moved.amount),
        "invoices": str(found.moved.once),
        "month": str(found.moved.month),
        "unknown": found.moved.unknown,
        "needed": found.is_needed,
        "needs_two": found.needs_two,
        "asked_by": signature(found.prepared) if found.prepared else None,
        "yes": [signature(one) for one in found.yes],
        "no": [signature(one) for one in found.no],
        "lacks": found.lacks,
    }


def statements_text(
    statements: Sequence[AuditEntry], zone: tzinfo, currency: str, style: Style = PLAIN
) -> str:
    """All statements about plans, oldest first."""
    return audit_text(statements, zone, currency, style) or NONE


def statements_json(
    statements: Sequence[AuditEntry], zone: tzinfo, currency: str
) -> list[Mapping[str, object]]:
    """Returns the same as JSON, each with the digest of its plan."""
    return [
        {**line, "plan": entry.event.plan, "statement": entry.event.statement}
        for line, entry in zip(audit_json(statements, zone, currency), statements, strict=True)
        if isinstance(entry.event, ApprovalStated)
    ]
