"""Unit rows: one for each period, split by adjustments, priced, posted and un-posted."""

from tests.support.sandbox_client import refused, spans


def test_there_is_a_row_for_every_period_of_the_contract_including_future_ones(api):
    rows = api.units()

    assert spans(rows)[:2] == [("2026-01-01", "2026-01-31", 5), ("2026-02-01", "2026-02-28", 5)]
    assert spans(rows)[-1] == ("2026-12-01", "2026-12-31", 5)
    assert len(rows) == 12
    assert {row["contractID"] for row in rows} == {400}
    assert {row["serviceID"] for row in rows} == {300}
    assert {row["approveAndPostDate"] for row in rows} == {None}


def test_an_adjustment_inside_a_period_splits_it_and_existing_rows_keep_their_ids(api):
    before = {row["startDate"]: row["id"] for row in api.units()}

    api.adjust("2026-03-10", 3)

    after = api.units()
    assert spans(after)[1:5] == [
        ("2026-02-01", "2026-02-28", 5),
        ("2026-03-01", "2026-03-09", 5),
        ("2026-03-10", "2026-03-31", 8),
        ("2026-04-01", "2026-04-30", 8),
    ]
    new_ids = [row["id"] for row in after if row["startDate"] not in before]
    assert new_ids == [max(before.values()) + 1]
    assert all(row["id"] == before[row["startDate"]] for row in after if row["startDate"] in before)


def test_an_adjustment_on_the_first_day_of_a_period_does_not_split_it(api):
    api.adjust("2026-03-01", -2)

    assert len(api.units()) == 12
    assert spans(api.units())[1:3] == [
        ("2026-02-01", "2026-02-28", 5),
        ("2026-03-01", "2026-03-31", 3),
    ]


def test_the_price_of_a_row_is_prorated_by_its_days(api):
    api.adjust("2026-04-11", 5)

    prices = {
        row["startDate"][:10]: (row["price"], row["cost"], row["internalCurrencyPrice"])
        for row in api.units()
    }
    assert prices["2026-03-01"] == (50.0, 20.0, 50.0)
    assert prices["2026-04-01"] == (16.6667, 6.6667, 16.6667)
    assert prices["2026-04-11"] == (66.6667, 26.6667, 66.6667)


def test_a_service_at_zero_keeps_rows_of_zero_units(api):
    api.adjust("2026-06-01", -5)

    assert [row["units"] for row in api.units()] == [5] * 5 + [0] * 7


def test_a_new_price_in_the_catalogue_does_not_change_contracts(api):
    api.patch("Services", {"id": 300, "unitPrice": 99})
    api.adjust("2026-07-01", 1)

    assert api.item("ContractServices", 500)["internalCurrencyAdjustedPrice"] == 10.0
    assert api.units()[6]["price"] == 60.0


def test_posted_rows_are_frozen_and_rounded_to_two_places(api):
    api.adjust("2026-02-11", 2)
    assert api.control("POST", "post", {"contract": 400, "until": "2026-03-31"}) == {"posted": 4}

    rows = api.units()

    assert [row["approveAndPostDate"] is not None for row in rows] == [True] * 4 + [False] * 9
    assert rows[1]["price"] == 17.86
    for reply in (
        api.adjust("2026-03-31", 1),
        api.adjust("2026-03-01", 0),
        api.adjust("2026-01-05", 1),
    ):
        assert refused(reply, "already posted contract period")
    assert api.units() == rows
    assert api.adjust("2026-04-01", 1).status == 200
    assert api.units()[:4] == rows[:4]


def test_unposted_rows_can_change_again(api):
    api.control("POST", "post", {"contract": 400, "until": "2026-03-31"})
    api.control("POST", "unpost", {"contract": 400, "since": "2026-03-01"})

    assert refused(api.adjust("2026-02-15", 1), "posted")
    assert api.adjust("2026-03-15", 1).status == 200


def test_rows_of_the_present_month_are_missing_while_the_job_that_writes_them_is_late(api):
    api.control("POST", "clock", {"stands": "2026-06-15T09:00:00+00:00"})
    api.switch("unit_rows_ahead", "job_is_late")

    assert spans(api.units())[-1] == ("2026-05-01", "2026-05-31", 5)
    every = {"filter": [{"op": "exist", "field": "id"}]}
    assert api.post("ContractServiceUnits/query/count", every).json == {"queryCount": 5}

    api.switch("unit_rows_ahead", "to_contract_end")
    assert len(api.units()) == 12


def test_posting_without_a_contract_posts_all_contracts(api):
    assert api.control("POST", "post", {"until": "2026-02-28"}) == {"posted": 2}
