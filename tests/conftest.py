"""Which tests share a worker: those of one kind of server use one after the other what was started once."""

import pytest

SERVERS = ("flink", "e2e")


def pytest_itemcollected(item: pytest.Item) -> None:
    for name in SERVERS:
        if item.get_closest_marker(name):
            item.add_marker(pytest.mark.xdist_group(name))
