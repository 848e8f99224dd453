"""Scenarios share their assertions: these explain themselves as those of a test do."""

import pytest

pytest.register_assert_rewrite("tests.scenarios.expected", "tests.scenarios.world")
