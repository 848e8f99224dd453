"""Reads of a service that pages as Autotask does, with every fault that a page can have."""

import json
from collections.abc import Mapping
from contextlib import closing

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.errors import TargetError, TargetUnavailable
from trueup.target.autotask.paging import EntityPages

ALL: list[Mapping[str, object]] = [{"op": "exist", "field": "id"}]
BASE = "https://webservices14.example.net/ATServicesRest/V1.0"


class Table:
    """Records by id behind query, next and count."""

    def __init__(self, service, numbers, size=500):
        self.numbers = sorted(numbers)
        self.size = size
        self.faults = {}  # by the number of the requested page, from 1
        self.read_pages = self.counted = 0
        self.bodies = []
        self.before_counting = lambda: None
        self.more_at_the_end = False
        service.on("POST", "/Companies/query", self.page)
        service.on("POST", "/Companies/query/next", self.page)
        service.on("POST", "/Companies/query/count", self.count)

    def matching(self, request):
        body = json.loads(request.content)
        self.bodies.append(body)
        least = max((each["value"] for each in body["filter"] if each["op"] == "gt"), default=-1)
        return [number for number in self.numbers if number > least]

    def page(self, request):
        self.read_pages += 1
        fault = self.faults.pop(self.read_pages, None)
        after = int(request.url.params.get("after", -1))
        numbers = [number for number in self.matching(request) if number > after]
        here, rest = numbers[: self.size], numbers[self.size :]
        more = (
            f"{BASE}/Companies/query/next?after={here[-1]}"
            if rest or (self.more_at_the_end and here)
            else None
        )
        answer = _page(here, more, self.size)
        return fault(answer, self) if fault else httpx.Response(200, json=answer)

    def count(self, request):
        self.before_counting()
        self.counted += 1
        return httpx.Response(200, json={"queryCount": len(self.matching(request))})


def _page(numbers, more, size):
    details = {
        "count": len(numbers),
        "requestCount": size,
        "prevPageUrl": None,
        "nextPageUrl": more,
    }
    return {"items": [{"id": number} for number in numbers], "pageDetails": details}


def half(answer, _):
    """Half of the records are missing; the count still has the right number."""
    answer["items"] = answer["items"][: len(answer["items"]) // 2]
    return httpx.Response(200, json=answer)


def half_unnoticed(answer, _):
    """Half of the records are missing, and nothing shows it."""
    answer["items"] = answer["items"][: len(answer["items"]) // 2]
    answer["pageDetails"]["count"] = len(answer["items"])
    return httpx.Response(200, json=answer)


def empty(answer, _):
    answer["items"], answer["pageDetails"]["count"], answer["pageDetails"]["nextPageUrl"] = (
        [],
        0,
        None,
    )
    return httpx.Response(200, json=answer)


def hollow(answer, _):
    """A page without records that has a next page."""
    answer["items"], answer["pageDetails"]["count"] = [], 0
    answer["pageDetails"]["nextPageUrl"] = f"{BASE}/Companies/query/next?after=0"
    return httpx.Response(200, json=answer)


def first_again(answer, table):
    """The first page instead of another one."""
    return httpx.Response(
        200, json=_page(table.numbers[:2], answer["pageDetails"]["nextPageUrl"], 2)
    )


def skipped(answer, _):
    """The page after this one is left out."""
    last = answer["items"][-1]["id"] if answer["items"] else 0
    answer["pageDetails"]["nextPageUrl"] = f"{BASE}/Companies/query/next?after={last + 2}"
    return httpx.Response(200, json=answer)


def ended(answer, _):
    """A page that claims to be the last one."""
    answer["pageDetails"]["nextPageUrl"] = None
    return httpx.Response(200, json=answer)


def twice(answer, _):
    answer["items"] = answer["items"] * 2
    answer["pageDetails"]["count"] *= 2
    return httpx.Response(200, json=answer)


def backwards(answer, _):
    answer["items"].reverse()
    return httpx.Response(200, json=answer)


def cut(answer, _):
    return httpx.Response(200, content=json.dumps(answer)[:-5].encode())


def web_page(*_):
    return httpx.Response(200, html="<title>Maintenance</title>")


def nothing(*_):
    raise httpx.ReadTimeout("")


FAULTS = [
    half,
    half_unnoticed,
    empty,
    hollow,
    first_again,
    skipped,
    ended,
    twice,
    backwards,
    cut,
    web_page,
    nothing,
]


@pytest.fixture
def pages(client_with):
    return EntityPages(client_with(), "Companies", ["id", "companyName"])


def read(pages, filter_=ALL, **options):
    return sorted(pages.read_all(filter_, **{"counted": True, **options}))


def test_next_pages_are_posted_with_the_same_body(service, pages):
    table = Table(service, range(1, 1201))

    assert read(pages) == list(range(1, 1201))
    assert service.paths() == [
        "POST Companies/query",
        *["POST Companies/query/next"] * 2,
        "POST Companies/query/count",
    ]
    assert table.bodies[:3] == [{"filter": ALL, "IncludeFields": ["id", "companyName"]}] * 3
    assert table.bodies[3] == {"filter": ALL}


def test_a_single_page_of_a_read_with_conditions_is_not_counted(service, pages):
    table = Table(service, range(10))

    assert read(pages, counted=False) == list(range(10))
    assert (table.read_pages, table.counted) == (1, 0)


def test_a_whole_entity_is_counted_even_if_it_is_empty(service, pages):
    table = Table(service, [])

    assert read(pages) == []
    assert (table.read_pages, table.counted) == (1, 1)


def test_a_read_of_more_than_one_page_is_counted(service, pages):
    table = Table(service, range(501))

    assert len(read(pages, counted=False)) == 501
    assert table.counted == 1


def test_a_piece_of_a_read_is_not_counted_if_its_pages_fit_together(service, pages):
    table = Table(service, range(1, 1_002))

    assert len(read(pages, counted=False, thorough=False)) == 1_001
    assert (table.read_pages, table.counted) == (3, 0)


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        *((fault, 1) for fault in (half, half_unnoticed, hollow, ended, twice, cut)),
        *((fault, 2) for fault in (half, half_unnoticed, hollow, ended, twice, cut)),
        *((first_again, place) for place in (2, 3)),
        *((empty, place) for place in (2, 3)),
        (half, 3),
        (hollow, 3),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_piece_whose_pages_do_not_fit_together_loses_nothing(service, pages, fault, place):
    table = Table(service, range(1, 7), size=2)
    table.faults[place] = fault

    assert read(pages, counted=False, thorough=False) == [1, 2, 3, 4, 5, 6]


def test_a_full_page_without_a_next_one_is_counted(service, pages):
    table = Table(service, range(500))

    assert len(read(pages, counted=False)) == 500
    assert (table.read_pages, table.counted) == (1, 1)


def test_an_empty_last_page_is_accepted(service, pages):
    table = Table(service, range(500))
    table.more_at_the_end = True

    assert len(read(pages)) == 500


def test_a_read_is_complete_with_as_many_records_as_requested_ids(service, pages):
    table = Table(service, range(500))
    table.more_at_the_end = True

    assert len(read(pages, counted=False, most=500)) == 500
    assert (table.read_pages, table.counted) == (1, 0)


def test_record_0_is_a_record(service, pages):
    Table(service, [0, 1, 2], size=2)

    assert read(pages) == [0, 1, 2]


@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_page_that_goes_wrong_once_loses_nothing(service, pages, fault, place):
    table = Table(service, range(1, 7), size=2)
    table.faults[place] = fault

    assert read(pages) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("place", [2, 3])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_read_with_conditions_and_a_second_page_loses_nothing(service, pages, fault, place):
    table = Table(service, range(1, 7), size=2)
    table.faults[place] = fault

    assert read(pages, counted=False) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "fault", [half, hollow, twice, cut, web_page, nothing], ids=lambda fault: fault.__name__
)
def test_a_single_page_that_contradicts_itself_is_requested_again(service, pages, fault):
    table = Table(service, range(1, 5))
    table.faults[1] = fault

    assert read(pages, counted=False) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "fault",
    [half, half_unnoticed, hollow, first_again, skipped, cut, web_page, nothing],
    ids=lambda f: f.__name__,
)
def test_a_service_that_always_goes_wrong_is_an_error_and_never_an_incomplete_read(
    service, pages, fault
):
    table = Table(service, range(1, 7), size=2)
    table.faults = dict.fromkeys(range(1, 200), fault)

    with pytest.raises(TargetUnavailable, match="Companies"):
        read(pages)


@pytest.mark.parametrize("fault", [twice, backwards], ids=lambda fault: fault.__name__)
def test_a_service_that_always_repeats_records_loses_nothing(service, pages, fault):
    table = Table(service, range(1, 7), size=2)
    table.faults = dict.fromkeys(range(2, 200), fault)

    assert read(pages) == [1, 2, 3, 4, 5, 6]


def test_the_error_has_the_number_of_records_and_the_count(service, pages):
    table = Table(service, range(1, 7))
    table.faults = dict.fromkeys(range(1, 200), half_unnoticed)
    service.on("POST", "/Companies/query/count", {"queryCount": 1_012})

    with pytest.raises(TargetUnavailable, match="query/count reports 1012"):
        read(pages)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"items": []},
        {"items": None, "pageDetails": {}},
        {"items": {}, "pageDetails": {}},
        {"items": [None], "pageDetails": {"count": 1}},
        {"items": [{}], "pageDetails": {"count": 1}},
        {"items": [{"id": None}], "pageDetails": {"count": 1}},
        {"items": [{"id": True}], "pageDetails": {"count": 1}},
        {"items": [{"id": "x"}], "pageDetails": {"count": 1}},
        {"items": [{"id": 1}], "pageDetails": {"count": 0}},
        {"items": [{"id": 1}], "pageDetails": {"nextPageUrl": 7}},
        {"items": [{"id": 1}], "pageDetails": {"nextPageUrl": "https://evil.example/x"}},
        {"items": [{"id": 1}], "pageDetails": {"nextPageUrl": "http://[broken"}},
    ],
    ids=json.dumps,
)
def test_a_malformed_page_is_an_error(service, pages, answer):
    service.on("POST", "/Companies/query", answer)

    with pytest.raises(TargetUnavailable, match="unexpected response"):
        read(pages)


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"queryCount": None}, {"queryCount": "7"}, {"queryCount": True}],
    ids=json.dumps,
)
def test_a_malformed_count_is_an_error(service, pages, answer):
    Table(service, range(3))
    service.on("POST", "/Companies/query/count", answer)

    with pytest.raises(TargetUnavailable, match="counting Companies"):
        read(pages)


def test_a_refused_query_is_an_error_and_not_an_empty_read(service, pages, responses):
    service.on(
        "POST",
        "/Companies/query",
        responses.refusal("Unable to find isActive in the Companies Entity."),
    )

    with pytest.raises(TargetError, match="Unable to find isActive"):
        read(pages)


def test_records_added_while_reading_are_fetched_without_a_new_read(service, pages):
    table = Table(service, range(1, 7), size=2)
    table.faults[3] = lambda answer, _: table.numbers.append(99) or httpx.Response(200, json=answer)

    assert read(pages) == [1, 2, 3, 4, 5, 6, 99]
    assert (table.read_pages, table.counted) == (4, 2)


def test_a_read_succeeds_while_records_keep_being_added(service, pages):
    table = Table(service, range(1, 7), size=2)
    added = iter(range(100, 102))
    table.before_counting = lambda: table.numbers.extend(
        number for number in [next(added, None)] if number
    )

    assert read(pages) == [1, 2, 3, 4, 5, 6, 100, 101]
    assert table.read_pages == 3 + 2


def test_a_read_succeeds_if_a_record_is_deleted_meanwhile(service, pages):
    table = Table(service, range(1, 7), size=2)
    table.faults[3] = lambda answer, _: table.numbers.remove(1) or httpx.Response(200, json=answer)

    assert read(pages) == [2, 3, 4, 5, 6]


def test_a_tenant_that_moves_between_two_pages_is_followed(service, pages):
    Table(service, range(1, 5), size=2)
    moved = []

    def elsewhere(request):
        if request.url.host != "ws20.example.net":
            service.on("GET", "/ZoneInformation", {"url": "https://ws20.example.net"})
            moved.append(request)
            return httpx.Response(401)
        page = _page([3, 4], None, 2)
        return httpx.Response(200, json=page)

    service.on("POST", "/Companies/query/next", elsewhere)

    assert read(pages, counted=False) == [1, 2, 3, 4]
    assert len(moved) == 1
    assert service.requests[-2].url.params["after"] == "2"


@given(
    numbers=st.sets(st.integers(0, 40), max_size=12),
    faults=st.dictionaries(st.integers(1, 12), st.sampled_from(FAULTS), max_size=3),
)
def test_a_read_returns_everything_or_raises_whatever_goes_wrong(request, numbers, faults):
    service, client_with = (request.getfixturevalue(name) for name in ("service", "client_with"))
    table = Table(service, numbers, size=2)
    table.faults = dict(faults)

    with closing(client_with()) as client:
        try:
            numbers_found = sorted(
                EntityPages(client, "Companies", ["id"]).read_all(ALL, counted=True)
            )
        except TargetUnavailable:
            return
    assert numbers_found == sorted(numbers)
