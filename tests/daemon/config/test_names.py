import asyncio
from collections import deque

import pytest
from ipvsman.config.names import Answer, LookupFailed, Resolver
from ipvsman.ipvs.model import Family

WEB, WEB6 = ("web.test", Family.INET), ("web.test", Family.INET6)
DB = ("db.test", Family.INET)


class Script:
    """A lookup that answers each name by a list; the last answer stays."""

    def __init__(self, **answers):
        self.answers = {name: deque(said) for name, said in answers.items()}
        self.asked = []
        self.running = self.most_running = 0

    async def __call__(self, name, family):
        self.asked.append((name, family))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        left = self.answers[name.partition(".")[0]]
        said = left.popleft() if len(left) > 1 else left[0]
        if isinstance(said, Exception):
            raise said
        return said


def run(script, scenario, **options):
    async def main():
        reports = []
        options.setdefault("least", 0.01)
        resolver = Resolver(reports.append, script, **options)
        try:
            await asyncio.wait_for(scenario(resolver, reports), 10)
        finally:
            await resolver.close()
        assert len(asyncio.all_tasks()) == 1
        return reports

    return asyncio.run(main())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


def test_all_names_are_reported_together():
    script = Script(
        web=[Answer(("10.0.0.2", "10.0.0.10", "10.0.0.2"), 60)], db=[Answer(("10.0.0.3",), 60)]
    )

    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB, DB}))
        await resolver.settled()
        assert reports == [{WEB: ("10.0.0.2", "10.0.0.10"), DB: ("10.0.0.3",)}]
        assert resolver.known == reports[0]

    run(script, scenario)


def test_a_change_is_reported_and_counted_an_equal_answer_is_not():
    first, second = Answer(("10.0.0.1",), 0), Answer(("10.0.0.2",), 0)
    script = Script(web=[first, first, first, second])

    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB}))
        await until(lambda: len(reports) == 2)
        assert reports == [{WEB: ("10.0.0.1",)}, {WEB: ("10.0.0.2",)}]
        watched = resolver.watched[WEB]
        assert (watched.changes, watched.errors, watched.changed_at) == (1, 0, 7.0)
        assert len(script.asked) >= 4

    run(script, scenario, clock=lambda: 7.0)


def test_the_last_good_answer_outlives_failures():
    script = Script(web=[Answer(("10.0.0.1",), 0), LookupFailed("gone"), OSError("worse")])

    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB}))
        await until(lambda: resolver.watched[WEB].errors >= 2)
        watched = resolver.watched[WEB]
        assert watched.addresses == ("10.0.0.1",)
        assert watched.error == "worse"
        assert watched.failed_at == 3.0
        assert reports == [{WEB: ("10.0.0.1",)}]

    run(script, scenario, clock=lambda: 3.0)


def test_an_answer_without_addresses_is_a_failure():
    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB}))
        await resolver.settled()
        assert resolver.watched[WEB].error == "the answer has no addresses"
        assert not reports

    run(Script(web=[Answer((), 60)]), scenario)


def test_a_failure_says_at_least_its_kind():
    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB}))
        await resolver.settled()
        assert resolver.watched[WEB].error == "TimeoutError"

    run(Script(web=[TimeoutError()]), scenario)


@pytest.mark.parametrize("ttl, pause", [(0, 0.02), (1000, 0.05), (0.035, 0.035)])
def test_the_ttl_is_obeyed_within_bounds(ttl, pause):
    async def scenario(resolver, reports):
        loop = asyncio.get_running_loop()
        resolver.want(frozenset({WEB}))
        await until(lambda: len(script.asked) == 1)
        started = loop.time()
        await until(lambda: len(script.asked) == 5)
        assert pause * 0.9 <= (loop.time() - started) / 4 < 1

    script = Script(web=[Answer(("10.0.0.1",), ttl)])
    run(script, scenario, least=0.02, most=0.05)


def test_failures_are_tried_again_ever_more_slowly():
    async def scenario(resolver, reports):
        loop = asyncio.get_running_loop()
        resolver.want(frozenset({WEB}))
        started = loop.time()
        await until(lambda: len(script.asked) == 4)
        assert loop.time() - started >= 0.01 + 0.02 + 0.04

    script = Script(web=[LookupFailed("no")])
    run(script, scenario)


def test_wanting_others_keeps_what_is_known_of_those_that_stay():
    script = Script(web=[Answer(("10.0.0.1",), 60)], db=[Answer(("10.0.0.2",), 60)])

    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB}))
        await resolver.settled()
        resolver.want(frozenset({WEB, DB}))
        assert resolver.known == {WEB: ("10.0.0.1",)}
        await resolver.settled()
        resolver.want(frozenset({DB}))
        assert resolver.known == {DB: ("10.0.0.2",)}
        assert script.asked == [WEB, DB]
        resolver.want(frozenset())
        assert resolver.watched == {}

    run(script, scenario)


def test_families_are_names_of_their_own():
    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB, WEB6}))
        await resolver.settled()
        assert set(script.asked) == {WEB, WEB6}

    script = Script(web=[Answer(("2001:db8::1",), 60)])
    run(script, scenario)


def test_not_all_names_are_asked_for_at_once():
    names = frozenset((f"web.{number}", Family.INET) for number in range(200))

    async def scenario(resolver, reports):
        resolver.want(names)
        await resolver.settled()
        assert len(resolver.known) == 200
        assert script.most_running <= 32
        assert len(reports) <= 2

    script = Script(web=[Answer(("10.0.0.1",), 60)])
    run(script, scenario)


def test_nothing_is_reported_after_the_end():
    async def main():
        reports = []
        resolver = Resolver(reports.append, Script(web=[Answer(("10.0.0.1",), 60)]))
        resolver.want(frozenset({WEB}))
        await asyncio.sleep(0.005)
        await resolver.close()
        await asyncio.sleep(0.05)
        assert reports == []

    asyncio.run(main())


def test_a_name_that_fails_is_told_once_and_when_it_is_well_again():
    fault = LookupFailed("no such name")
    good = Answer(("10.0.0.1",), 0.0)
    # db has never meant anything: told at once. web fails twice and is forgiven, then three times.
    script = Script(
        web=[good, fault, fault, good, fault, fault, fault, fault, good, good],
        db=[fault, fault, fault, fault, Answer(("10.0.0.2",), 60)],
    )
    told = []

    async def scenario(resolver, reports):
        resolver.want(frozenset({WEB, DB}))
        await until(lambda: len(told) == 4)

    run(script, scenario, least=0.001, trouble=lambda *what: told.append(what))
    assert [each for each in told if each[0] == DB] == [(DB, "no such name"), (DB, "")]
    assert [each for each in told if each[0] == WEB] == [(WEB, "no such name"), (WEB, "")]
