"""A plan is applied once, for the configuration and the state that it was made for.

Only one run at a time works on a state.
"""

import pytest
from msgspec.structs import replace
from trueup.applying.manual_settlement import Settlement, settle
from trueup.errors import EngineError, PlanRefused, StalePlan, StateError, StateLocked
from trueup.model.audit import LinkForgotten
from trueup.model.change import Action
from trueup.model.document import dumps
from trueup.model.outcome import ChangeStatus
from trueup.model.run import Effects, Entry, RunStatus, Step
from trueup.pipeline import apply

from tests.support.documents import with_digest
from tests.support.scene import ADJUSTMENTS, Fault, Scene, account, actions, settled, statuses
from tests.support.small_project import changed, settings

TITLED = changed("mappings/customer.yaml", "title: ", "title: our ")


def test_the_same_plan_twice_is_refused_with_the_run_that_applied_it():
    scene = Scene()
    made = scene.plan()
    run = scene.apply(made).run
    with pytest.raises(StalePlan, match=f"applied already, by run {run}"):
        scene.apply(made)


def test_a_plan_made_before_another_was_applied_is_refused():
    scene = Scene()
    early = scene.plan(targets=("service",))
    scene.sync()
    with pytest.raises(StalePlan, match="serial 0, now 1"):
        scene.apply(early)


def test_a_plan_made_with_other_files_is_refused():
    scene = Scene()
    made = scene.plan()
    scene.files(settings(owner="somebody@tenant.example"))
    with pytest.raises(StalePlan, match=r"configuration has changed .* another project"):
        scene.apply(made)
    assert scene.target.sent == []


def test_a_plan_made_before_the_state_was_edited_by_hand_is_refused():
    scene = settled()
    scene.row("account")["name"] = "Alpine"
    made = scene.plan()
    lease = scene.state.acquire("another user")
    forgotten = LinkForgotten("customer", "acc")
    scene.state.edit(lease, forgotten, Effects(unlink=(("customer", "acc"),)))
    scene.state.release(lease)
    with pytest.raises(StalePlan, match="state has moved on"):
        scene.apply(made)


def test_a_plan_made_for_another_state_file_is_refused():
    scene = settled()
    scene.row("account")["name"] = "Alpine"
    made = scene.plan()
    scene.lose_state()
    with pytest.raises(StalePlan, match="another state"):
        scene.apply(made)


def test_while_a_run_is_open_no_other_plan_is_applied():
    scene = Scene()
    scene.target.faults = [Fault("unheard", "Companies")]
    scene.target.hidden = set()
    made = scene.plan()
    scene.target.on_write = lambda *_: scene.target.hidden.update(
        {("Companies", 1000), ("Companies", 1001)}
    )
    run = scene.apply(made).run
    with pytest.raises(StateError, match=f"run {run} .* is not finished: `trueup apply --resume`"):
        scene.apply(scene.plan())


def test_without_an_open_run_there_is_nothing_to_resume():
    with pytest.raises(StateError, match="nothing to resume"):
        settled().resume()


def test_a_run_is_not_gone_on_with_under_other_files_and_closed():
    scene = Scene()
    scene.target.faults = [Fault("used up", "Contracts")]
    assert scene.apply(scene.plan()).remaining
    scene.files(TITLED)
    sent = len(scene.target.sent)
    outcome = scene.resume()
    assert (outcome.complete, outcome.remaining, len(scene.target.sent)) == (False, 0, sent)
    assert "configuration has changed since this run began" in outcome.stopped
    assert scene.state.runs()[-1].status is RunStatus.PARTIAL
    scene.sync()
    assert not scene.plan().changes


def test_what_is_in_doubt_is_settled_under_other_files_and_nothing_else_is_sent():
    scene = Scene()
    scene.target.faults = [Fault("late", "Companies"), Fault("down", "Services", times=9)]
    assert scene.apply(scene.plan()).remaining
    scene.files(TITLED)
    sent = len(scene.target.sent)
    first = scene.resume()
    assert (first.remaining > 0, "is still unknown" in first.stopped) == (True, True)
    scene.target.land()
    scene.wait(400)
    second = scene.resume()
    assert (second.remaining, len(scene.target.sent)) == (0, sent + 1)  # the one that came late
    assert "what was in doubt is settled" in second.stopped
    assert statuses(second)["customer:acc"] is ChangeStatus.APPLIED
    scene.target.faults = []
    scene.sync()
    assert not scene.plan().changes


@pytest.mark.parametrize("kept", ["customer", "license_change"])
def test_a_run_whose_mapping_is_gone_is_settled_as_far_as_that_goes(kept):
    scene = Scene()
    scene.target.faults = [Fault("late", ADJUSTMENTS)]
    run = scene.apply(scene.plan()).run
    scene.project = replace(scene.project, digest="other", mappings={
        name: one for name, one in scene.project.mappings.items() if name == kept
    })  # fmt: skip
    outcome = scene.resume()
    assert outcome.run == run
    (doubtful,) = [one for one in outcome.changes if one.status is ChangeStatus.IN_DOUBT]
    assert "its mapping is no longer there" in doubtful.text
    lease = scene.state.acquire("ann")
    settle(
        scene.project,
        scene.state,
        lease,
        Settlement(doubtful.change, True, None, "seen", scene.clock.now()),  # noqa: FBT003
    )
    scene.state.release(lease)
    assert scene.resume().remaining == 0
    assert scene.state.runs()[-1].status is RunStatus.PARTIAL


def test_a_mark_in_doubt_is_settled_by_hand_though_its_mapping_is_gone():
    scene = Scene()
    made = scene.plan()
    mark = next(
        one
        for one in made.changes
        if one.action is Action.WRITE_BACK and one.mapping == "license_change"
    )
    run = scene.apply(made).run
    lease = scene.state.acquire("ann")
    scene.state.record(lease, run, [Entry(mark.id, Step.UNCLEAR, scene.clock.now())])
    scene.state.all_runs[run] = replace(scene.state.all_runs[run], status=RunStatus.OPEN)
    scene.state.pushed = {
        key: replace(one, marked=False) for key, one in scene.state.pushed.items()
    }
    scene.project = replace(scene.project, mappings={})
    landed = Settlement(
        change=mark.id, landed=True, record=None, reason="seen", at=scene.clock.now()
    )
    settle(scene.project, scene.state, lease, landed)
    assert all(scene.state.pushed["license_change", key].marked for key in mark.keys)


def test_a_plan_for_one_tenant_is_not_applied_to_another():
    scene = Scene()
    made = scene.plan()
    assert made.systems == {"source": "org-a", "target": "tenant-a"}
    scene.target.name = "tenant-b"
    with pytest.raises(
        StalePlan, match="this plan was made for Autotask tenant-a, and tenant-b is configured now"
    ):
        scene.apply(made)
    assert (scene.target.sent, scene.state.runs()) == ([], [])


def test_a_plan_for_one_environment_is_not_applied_to_another():
    scene = Scene()
    made = scene.plan()
    scene.source.name = "org-b"
    with pytest.raises(StalePlan, match="Work 365 org-a, and org-b is configured now"):
        scene.apply(made)


def test_a_run_at_one_tenant_is_not_resumed_at_another():
    scene = Scene()
    scene.target.faults = [Fault("used up", "Contracts")]
    run = scene.apply(scene.plan()).run
    sent = len(scene.target.sent)
    scene.target.name = "tenant-b"
    with pytest.raises(StalePlan, match=f"run {run} was made for Autotask tenant-a"):
        scene.resume()
    assert len(scene.target.sent) == sent
    scene.target.name = "tenant-a"
    assert scene.resume().complete


def test_a_state_of_one_tenant_gives_no_plan_for_another():
    scene = settled()
    for undo in (None, scene.state.runs()[-1].id):
        scene.target.name = "tenant-b"
        with pytest.raises(
            StateError, match=r"this state is about Autotask tenant-a, and tenant-b .*state adopt"
        ):
            scene.plan(undo=undo)
        scene.target.name = "tenant-a"
        scene.plan(undo=undo)


def test_a_source_that_does_not_say_which_one_it_is_differs_from_none():
    scene = settled()
    scene.source.name = ""
    scene.row("account")["name"] = "Alpine"
    scene.sync()
    scene.source.name = "org-b"
    with pytest.raises(StateError, match="Work 365 org-a"):
        scene.plan()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("settle_after: 300", "settle_after: 400"),
        ("batch: 50", "batch: 3"),
        ("calls: 1000", "calls: 1"),
        ('creates: {"*": 50}', 'creates: {"*": 0}'),
        ("monthly_effect: 100000", "monthly_effect: 1"),
        ("seed: autotask.json", "seed: autotask.json, timeout: 9, workers: 1, deadline: 99"),
    ],
)
def test_a_run_is_resumed_after_limits_and_patience_have_changed(old, new):
    scene = Scene()
    scene.target.faults = [Fault("used up", "Contracts")]
    assert scene.apply(scene.plan()).remaining
    assert old in settings()["trueup.yaml"]
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace(old, new)})
    assert scene.resume().complete
    assert scene.picture() == settled().picture()


@pytest.mark.parametrize(
    ("limit", "tighter"),
    [
        ("creates:Services", ('creates: {"*": 50}', 'creates: {"*": 1}')),
        ("monthly_effect", ("monthly_effect: 100000", "monthly_effect: 50")),
        ("calls", ("calls: 1000", "calls: 5")),
    ],
)
def test_a_limit_holds_as_it_is_when_the_plan_is_applied(limit, tighter):
    scene = Scene()
    made = scene.plan()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace(*tighter)})
    with pytest.raises(PlanRefused, match=f"--over {limit}"):
        scene.apply(made)
    assert scene.target.sent == []
    exceeded = scene.plan()
    assert [one.limit for one in exceeded.exceeded] == [limit]
    scene.files(settings())
    assert scene.apply(exceeded).complete


def test_over_a_limit_a_plan_is_refused_and_names_what_allows_it():
    scene = Scene()
    scene.files(
        {
            "trueup.yaml": settings()["trueup.yaml"].replace(
                'creates: {"*": 50}', 'creates: {"*": 1}'
            )
        }
    )
    made = scene.plan()
    assert [one.limit for one in made.exceeded] == ["creates:Services"]
    with pytest.raises(PlanRefused, match="`trueup apply … --over creates:Services`") as refused:
        scene.apply(made)
    assert "2 new records of Services are over the limit of 1" in str(refused.value)
    assert scene.target.sent == []


@pytest.mark.parametrize("allowed", ["creates:Services", "creates"])
def test_over_allows_one_limit_or_all_of_its_kind(allowed):
    scene = Scene()
    scene.files(
        {
            "trueup.yaml": settings()["trueup.yaml"].replace(
                'creates: {"*": 50}', 'creates: {"*": 1}'
            )
        }
    )
    assert scene.apply(scene.plan(), over=frozenset({allowed})).complete


def test_over_another_limit_does_not_help():
    scene = Scene()
    scene.files(
        {
            "trueup.yaml": settings()["trueup.yaml"].replace(
                "monthly_effect: 100000", "monthly_effect: 50"
            )
        }
    )
    with pytest.raises(PlanRefused, match="--over monthly_effect"):
        scene.apply(scene.plan(), over=frozenset({"creates"}))


def test_calls_of_a_plan_are_guarded():
    scene = Scene()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("calls: 1000", "calls: 5")})
    assert [one.limit for one in scene.plan().exceeded] == ["calls"]


def test_a_share_of_linked_records_is_guarded_from_ten_up():
    text = settings()["trueup.yaml"].replace('share_changed: {"*": 1}', 'share_changed: {"*": 0.2}')
    scene = Scene()
    scene.add(
        "account", *[account(f"a{n}", name=f"Customer {n}", number=f"B-{n}") for n in range(9)]
    )
    scene.files({"trueup.yaml": text})
    scene.sync()
    for number in range(3):
        scene.row("account", f"a{number}")["phone"] = "2"
    assert [one.limit for one in scene.plan().exceeded] == ["share_changed:Companies"]


def test_while_another_run_holds_the_lock_nothing_is_applied():
    scene = Scene()
    made = scene.plan()
    scene.state.acquire("night run")
    with pytest.raises(StateLocked, match="night run"):
        scene.apply(made)
    assert scene.target.sent == []


def test_the_lock_can_be_taken_by_force_for_a_reason():
    scene = Scene()
    made = scene.plan()
    scene.state.acquire("night run")
    assert scene.apply(made, force_reason="the machine burnt down").complete


def test_the_lock_is_given_back_after_a_run_and_after_a_refusal():
    scene = Scene()
    made = scene.plan()
    scene.apply(made)
    with pytest.raises(StalePlan):
        scene.apply(made)
    assert scene.state.lease is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 99}', "plan"])
def test_what_is_no_plan_is_refused_in_words(text):
    scene = Scene()
    with pytest.raises(EngineError, match="plan"):
        apply(scene.project, scene.world, text)
    assert scene.state.lease is None


@pytest.mark.parametrize("new", ["Beta", "Alpine\\nDental"])
def test_a_plan_that_was_edited_after_its_review_is_refused(new):
    scene = Scene()
    text = dumps(scene.plan())
    with pytest.raises(EngineError, match=r"changed or cut short since it was made .*: plan again"):
        apply(scene.project, scene.world, text.replace("Alpine", new))
    with pytest.raises(EngineError, match="changed or cut short"):
        apply(scene.project, scene.world, text[:-100])
    assert (scene.target.sent, scene.state.lease, scene.state.runs()) == ([], None, [])


def test_a_damaged_plan_is_refused():
    scene = Scene()
    made = dumps(scene.plan()).split("\n", 3)
    text = with_digest(
        "\n".join([*made[:2], made[3]]).replace('"action": "create"', '"action": "destroy"')
    )
    with pytest.raises(EngineError, match="damaged"):
        apply(scene.project, scene.world, text)


def test_an_empty_plan_can_be_applied_and_does_nothing():
    scene = settled()
    sent = len(scene.target.sent)
    outcome = scene.apply(scene.plan())
    assert (outcome.complete, outcome.changes, len(scene.target.sent)) == (True, (), sent)


def test_a_mapping_that_is_changed_gives_another_plan_and_not_another_apply():
    scene = settled()
    scene.files(changed("mappings/customer.yaml", 'companyName: "{{ source.name }}"',
                        'companyName: "{{ source.name | upper }}"'))  # fmt: skip
    assert actions(scene.sync()) == [("update", "customer")]
    assert scene.target.only("Companies")["companyName"] == "ALPINE DENTAL"
