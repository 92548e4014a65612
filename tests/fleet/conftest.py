import sys
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# The fleet's files, and the lab's, import each other as neighbours, wherever pytest is started.
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

from plays import Site  # noqa: E402 - found by the line above
from scene import Fleet  # noqa: E402


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """The hosts; and the routes and web servers that are there before anything is managed."""
    return Fleet()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One for all tests: they are a story, in the order of the files and in them."""
    return Site(tmp_path_factory.mktemp("site"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a test that fails, show what the last play said, whoever ran it."""
    report = yield
    site = item.funcargs.get("site")
    if report.failed and isinstance(site, Site):
        report.sections.append(("last play", site.told))
    return report
