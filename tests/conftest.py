"""Which tests share a worker: those of one kind of server use one after the other what was started once."""

import pytest

SERVERS = ("flink", "e2e")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in SERVERS:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.xdist_group(name))
