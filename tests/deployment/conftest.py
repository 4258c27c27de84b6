"""What the tests of `deploy/` need of the machine."""

import shutil

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs promtool where there is none: the tests of our own beside it stand."""
    needing = [item for item in items if item.get_closest_marker("promtool")]
    if not needing or shutil.which("promtool"):
        return
    items[:] = [item for item in items if item not in needing]
    config.hook.pytest_deselected(items=needing)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(
            f"No promtool found: {len(needing)} tests of the alarms with Prometheus itself are left out."
        )
