"""The cycle collector leaves large values alone."""

import gc

from trueup.model.gc_pause import gc_spared


class Made:
    """What is made."""


def test_what_is_made_is_left_alone_until_the_block_ends():
    before = gc.get_freeze_count()

    with gc_spared(Made) as made:
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
        del made
        assert not any(isinstance(one, Made) for one in gc.get_objects())

    assert gc.get_freeze_count() == 0
