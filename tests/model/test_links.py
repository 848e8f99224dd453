"""The links of a state are a mapping of `Link` by mapping and key."""

from collections import Counter

import pytest
from trueup.model.links import Links
from trueup.model.run import Link

ALPINE = Link("customer", "alpine", "Companies", 1, "identity")
BRIGHT = Link("customer", "bright", "Companies", 2, "decision")
FORMER = Link("customer", "former", "Contacts", 3, "identity")
RETAINER = Link("contract", "retainer", "Contracts", 1, "created")
ALL = [ALPINE, RETAINER, BRIGHT, FORMER]


def test_links_equal_a_dictionary_of_them():
    links = Links(ALL)

    assert links == {(link.mapping, link.key): link for link in ALL}
    assert len(links) == 4
    assert not Links()


def test_a_link_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError):
        Links(ALL)["customer", "retainer"]
    with pytest.raises(KeyError):
        Links(ALL)["service", "alpine"]


def test_a_row_is_among_links_by_mapping_and_key():
    links = Links(ALL)

    assert ("contract", "retainer") in links
    assert ("customer", "retainer") not in links
    assert ("service", "alpine") not in links


@pytest.mark.parametrize(
    ("entity", "records"),
    [
        (None, {"alpine": 1, "bright": 2, "former": 3}),
        ("Companies", {"alpine": 1, "bright": 2}),
        ("Contacts", {"former": 3}),
        ("Services", {}),
    ],
)
def test_records_of_a_mapping_are_those_of_one_entity(entity, records):
    assert Links(ALL).of("customer", entity) == records
    assert Links(ALL).of("service", entity) == {}


def test_links_are_counted_by_entity():
    assert Links(ALL).by_entity() == Counter(Companies=2, Contacts=1, Contracts=1)


def test_of_two_links_of_a_row_the_later_one_holds():
    later = Link("customer", "alpine", "Contacts", 9, "created")

    assert dict(Links([ALPINE, later])) == {("customer", "alpine"): later}
    assert dict(Links([ALPINE, later, ALPINE])) == {("customer", "alpine"): ALPINE}
