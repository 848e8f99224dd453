"""The codes of findings that a plan may have beside those of rules, which have the rule's name.

Tests of a project may expect them, and no rule may be called like one.
tests/planning/test_finding_codes.py holds the list complete.
"""

DEPENDS = "depends-on-blocked"
"""Code of a finding that only follows from another row's."""

OPEN_RUN = "run-open"
"""Code of the finding that a run is open: no plan can be applied before it is settled."""

REFERS_TO_LEFT_OUT = "refers-to-left-out"
"""Code of the reason of a row that refers to a row left out. Its text ends with that one's."""

PLAN_CODES = frozenset(
    {
        "above-ceiling",
        "after-end",
        "after-its-contract",
        "ambiguous",
        "another-state",
        "as-before",
        "cannot-be-undone",
        "claimed-twice",
        "comes-back",
        "control-characters",
        "correction-below-zero",
        "create-only-differs",
        "create-unclear",
        "create-without-effect",
        "cycle",
        "decision-without-row",
        DEPENDS,
        "edited-since",
        "expression-failed",
        "gone",
        "id-not-written",
        "identity-empty",
        "identity-shared",
        "identity-taken",
        "identity-twice",
        "ignored",
        "in-doubt",
        "key-reserved",
        "key-twice",
        "keyed-already",
        "later-day-stays",
        "ledger-differs",
        "ledger-unknown",
        "left-the-scope",
        "link-stays",
        "linked-record-missing",
        "mark-stays",
        "may-be-unread",
        "needs-day",
        "needs-decision",
        "needs-unread",
        "never-created",
        "not-billed",
        "not-kept",
        "not-moved",
        "not-whole",
        "nothing-to-undo",
        "policy-without-row",
        "price-unknown",
        "reference-missing",
        "refers-out-of-scope",
        REFERS_TO_LEFT_OUT,
        "required-empty",
        "right-missing",
        "row-unreadable",
        "row-without-key",
        OPEN_RUN,
        "service-taken",
        "setting-unknown",
        "succeeded",
        "successor-unclear",
        "switched-off",
        "undone",
        "undone-already",
        "undone-before",
        "units-change-later",
        "unknown-name",
        "value-does-not-fit",
        "value-not-its-type",
        "waits-for-its-other-half",
        "waits-its-turn",
        "where-broken",
    }
)
