"""Rules, decisions and guards in; names that do not exist, and what cannot be said of these, out."""

from collections.abc import Iterable, Iterator, Mapping

from engine.config.checks.expression import read
from engine.config.checks.fields import error, no_entity, no_mapping
from engine.config.checks.ground import Ground
from engine.config.near import nearest
from engine.model.finding import Finding, Place
from engine.model.project import About, Decision, MappingSpec, Rule, RuleOn, Verdict

_ON_APPENDS = frozenset({Verdict.ARCHIVE, Verdict.PUSH})
_NOT_ON_APPENDS = frozenset({Verdict.LINK, Verdict.CREATE, Verdict.ACTIVATE})


def check_rules(rules: Iterable[Rule], ground: Ground, named_at: Mapping[Place, Place]) -> Iterator[Finding]:
    """Each name once, and every name that a rule uses. `named_at`: a rule's place → that of its mapping's name."""
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in seen:
            text = f"rule {rule.name} is there twice; the first is at {seen[rule.name].place}"
            yield error("duplicate", text, rule.place, "give one of them another name")
        seen.setdefault(rule.name, rule)
        yield from _rule(rule, ground, named_at.get(rule.place, rule.place))


def _rule(rule: Rule, ground: Ground, named_at: Place) -> Iterator[Finding]:
    mapping = ground.mappings.get(rule.for_)
    if rule.on is not RuleOn.PLAN:
        wrong = [*no_mapping(rule.for_, ground, named_at)]
        yield from wrong
        if wrong:  # the rest is looked at as if the likely one were named
            mapping = ground.mappings.get(nearest(rule.for_, ground.mappings) or "")
        if mapping is None:
            return
        yield from _matter(rule, mapping, ground)
    names = ground.of_rule(rule, mapping)
    for value in (rule.when, rule.check):
        if value:
            yield from read(value, names, alone=True).findings
    yield from read(rule.message, names).findings
    yield from read(rule.remedy, names).findings


def _matter(rule: Rule, mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    """Is there such a thing to look at?"""
    if rule.on is RuleOn.LEDGER and not ground.keeps_ledger(mapping):
        yield error("rule", f"mapping {mapping.name} has no ledger to look at", rule.place)
    if rule.on is RuleOn.CHANGE and not ground.appends(mapping):
        text = f"mapping {mapping.name} appends no changes to look at"
        yield error("rule", text, rule.place, "look at its records: `on: record`")


def check_decisions(decisions: Iterable[Decision], ground: Ground) -> Iterator[Finding]:
    """One decision a row and matter, of a kind that the mapping knows."""
    seen: dict[tuple[str, str, About], Decision] = {}
    for decision in decisions:
        matters = [(decision.mapping, decision.key, about) for about in sorted(decision.verdict.about)]
        first = next((seen[one] for one in matters if one in seen), None)
        if first:
            text = f"{decision.mapping} {decision.key!r} is decided twice; the first is at {first.place}"
            yield error("duplicate", text, decision.place, "keep one of them")
        for one in matters:
            seen.setdefault(one, decision)
        yield from no_mapping(decision.mapping, ground, decision.place)
        mapping = ground.mappings.get(decision.mapping)
        if mapping:
            yield from _decision(decision, mapping, ground)


def _decision(decision: Decision, mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    appends, keeps_ledger = ground.appends(mapping), ground.keeps_ledger(mapping)
    if text := _unfit(decision.verdict, mapping, appends=appends, keeps_ledger=keeps_ledger):
        yield error("decision", text, decision.place)
    if decision.after and decision.verdict not in _ON_APPENDS:
        text = f"`after` is for archive and push of a pending change that an undo took back, not for {decision.verdict}"
        yield error("decision", text, decision.place, "take `after` out")


def unfit(verdict: Verdict, mapping: MappingSpec) -> str:
    """Why this cannot be decided of a row of a sound mapping, or nothing."""
    appends, keeps_ledger = mapping.append is not None, mapping.ledger is not None
    return _unfit(verdict, mapping, appends=appends, keeps_ledger=keeps_ledger)


def _unfit(verdict: Verdict, mapping: MappingSpec, *, appends: bool, keeps_ledger: bool) -> str:
    if verdict in _ON_APPENDS and not appends:
        return f"{verdict} is for pending changes; mapping {mapping.name} has none"
    if verdict in _NOT_ON_APPENDS and mapping.append:
        return f"{verdict} is for records; mapping {mapping.name} appends changes"
    if verdict is Verdict.ACTIVATE and not (mapping.deactivate and mapping.deactivate.keys() <= mapping.fields.keys()):
        return f"activate needs a field of mapping {mapping.name} for what its `deactivate` switches off"
    if verdict is Verdict.CORRECT and not keeps_ledger:
        return f"correct is for a ledger; mapping {mapping.name} has none"
    return ""


def check_guards(named: Iterable[tuple[str, Place]], ground: Ground) -> Iterator[Finding]:
    """Guards name entities that there are."""
    for name, place in named:
        if ground.entity(name) is None:
            yield no_entity(name, ground, place)
