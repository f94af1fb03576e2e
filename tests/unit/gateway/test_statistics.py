"""What the statistics of calls count, time and log, against a plain count of the same requests."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from rumpgateway import statistics
from rumpgateway.core.console import CONSOLE
from rumpgateway.core.descriptors import Description
from rumpgateway.core.process import Process
from rumpgateway.monitor import BOUNDS, metrics
from rumpgateway.statistics import Statistics
from rumpuser.component import ROOT_CRED
from rumpwire import rump_sp_pb2
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import ProcessInfo


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now = [10**12]
    monkeypatch.setattr(statistics, "perf_counter_ns", lambda: now[0])
    return now


def process() -> Process:
    return Process(ProcessInfo(7, 1, "client", ROOT_CRED), CONSOLE.descriptors())


def step(name: str, *args: Any) -> Step:
    return Step(OPS[name], args)


REQUESTS = st.lists(
    st.tuples(st.lists(st.tuples(st.sampled_from(["getpid", "open", "stat"]), st.booleans()), max_size=5)), max_size=30
)


@given(REQUESTS)
def test_every_call_is_counted_once(requests: list[tuple[list[tuple[str, bool]]]]) -> None:
    found, p = Statistics(), process()
    calls: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for (request,) in requests:
        outcomes = [KernelError(Errno.ENOENT) if fails else 0 for _, fails in request]
        found.done(p, [step(name) for name, _ in request], outcomes, 0)
        calls.update(name for name, _ in request)
        failures.update(name for name, fails in request if fails)
    rows = {name: row for name, row in found.rows.items() if name != statistics.BATCH}
    assert {name: row.count for name, row in rows.items()} == calls
    assert {name: row.errors[Errno.ENOENT] for name, row in rows.items() if row.errors} == failures
    alone = sum(len(request) == 1 for (request,) in requests)
    assert sum(sum(row.buckets) for row in rows.values()) == alone


@given(st.integers(0, 10**12))
def test_a_time_is_below_its_bound_and_not_below_the_one_before(elapsed: int) -> None:
    row = statistics.Row()
    row.time(elapsed)
    (index,) = [i for i, number in enumerate(row.buckets) if number]
    assert index == len(BOUNDS) or elapsed < BOUNDS[index]
    assert index == 0 or elapsed >= BOUNDS[index - 1]


def test_slow_calls_are_logged_but_not_those_that_wait(clock: list[int], caplog: pytest.LogCaptureFixture) -> None:
    found, p = Statistics(slow_ns=100), process()
    file, pipe = p.fds.install(Description("vfs", 3)), p.fds.install(Description("kern", 4))
    with caplog.at_level(logging.WARNING, "rump.slow"):
        for one in (step("nanosleep"), step("read", pipe, 10), step("poll", []), step("read", 99, 1)):
            found.done(p, [one], [b""], clock[0] - 200)
        assert not caplog.records
        found.done(p, [step("read", file, 10)], [b""], clock[0] - 200)
        found.done(p, [step("stat", b"/")], [KernelError(Errno.ENOENT)], clock[0] - 200)
        found.done(p, [step("stat", b"/")], [0], clock[0] - 99)
    assert [record.__dict__["call"] for record in caplog.records] == ["read", "stat"]
    assert found.slow == 2


def test_a_storm_of_slow_calls_does_not_fill_the_log(clock: list[int], caplog: pytest.LogCaptureFixture) -> None:
    found, p = Statistics(slow_ns=100), process()
    for _ in range(1000):
        found.done(p, [step("stat", b"/")], [0], clock[0] - 200)
    assert (len(caplog.records), found.slow) == (statistics.LOGGED_MAX, 1000)
    clock[0] += statistics.LOGGED_PER_NS
    found.done(p, [step("stat", b"/")], [0], clock[0] - 200)
    assert len(caplog.records) == statistics.LOGGED_MAX + 1


def test_prometheus_reads_the_same_figures(clock: list[int]) -> None:
    found, p = Statistics(), process()
    times = [500, 1500, 3_000_000, 10**13]
    for elapsed in times:
        found.done(p, [step("getpid")], [KernelError(Errno.ESRCH)], clock[0] - elapsed)
    row = found.rows["getpid"]
    response = rump_sp_pb2.StatisticsResponse(bounds=BOUNDS, slow=found.slow)
    response.calls.add(
        call="getpid", count=4, nanoseconds=row.nanoseconds, buckets=row.buckets, errors=dict(row.errors)
    )

    class Fixed(Collector):
        def collect(self) -> Any:
            return metrics(response)

    registry = CollectorRegistry()
    registry.register(Fixed())
    text = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    families = {f.name: f for f in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    assert [(s.labels, s.value) for s in families["rump_call_errors"].samples] == [
        ({"call": "getpid", "errno": "ESRCH"}, 4)
    ]
    buckets = [s for s in families["rump_call_seconds"].samples if s.name.endswith("_bucket")]
    assert len(buckets) == len(BOUNDS) + 1
    for sample in buckets:
        assert sample.value == sum(t < float(sample.labels["le"]) * 1e9 for t in times)
    assert list(itertools.pairwise(b.value for b in buckets)) == sorted(itertools.pairwise(b.value for b in buckets))
