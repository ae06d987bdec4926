"""What disturbs others runs after each other, in one process."""

import os

import pytest


@pytest.mark.xdist_group("processes")
def test_tests_of_one_group_stay_together(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("one process runs them all")
    assert request.node.nodeid.endswith("@processes")
