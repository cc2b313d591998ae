"""`kairos kpi --alerts`: of outcomes to words, figures, an exit code and a webhook, which is a real server here."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.errors import ConfigError
from schemas.limits import HOUR_MS, MINUTE_MS
from schemas.outcomes import Outcome
from scripts.outcomes import alerts
from scripts.outcomes.alerts import (
    SETTLED_MS,
    checked_webhook,
    find_alerts,
    in_words,
    judged,
    post,
    run,
)
from tests.builders import NOON
from tests.examples.write import CONVERTED
from udfs.outcomes.count_kpis import ALL
from udfs.outcomes.kpi_alerts import COOL_DOWN_HOURS
from udfs.outcomes.kpi_hours import WEEK_HOURS, KpiHours

FIRST = NOON // HOUR_MS
LAST = FIRST + 3 * WEEK_HOURS + 30
"""The hour that is judged; its same hours are those of three weeks."""
NOW_MS = (LAST + 1) * HOUR_MS + SETTLED_MS


def outcomes(cart: int = 40, home: int = 60) -> Iterator[Outcome]:
    """Of the same hours of three weeks and of the last hour: so many decisions are seen; nothing of all other hours but one."""
    bare = replace(CONVERTED, kind="exposed", sign=1, arm={}, segments=(), is_holdout=False, action_id="", measures={})  # fmt: skip
    yield replace(bare, placement="home", outcome_ms=FIRST * HOUR_MS)
    for week in range(4):
        hour = LAST - week * WEEK_HOURS
        seen = {"home": home if not week else 60, "cart": cart if not week else 40}
        for placement, count in seen.items():
            for _ in range(count):
                yield replace(bare, placement=placement, outcome_ms=hour * HOUR_MS + MINUTE_MS)


def test_the_hour_is_judged_once_it_is_whole_and_settled() -> None:
    assert [one.hour for one in find_alerts(outcomes(cart=0), "EUR", NOW_MS)[0]] == [LAST]
    assert find_alerts(outcomes(cart=0), "EUR", NOW_MS - 1)[0] == []
    assert find_alerts(outcomes(cart=0), "EUR", NOW_MS + 25 * HOUR_MS)[0] == []
    assert find_alerts(outcomes(), "EUR", NOW_MS)[0] == []
    assert find_alerts((), "EUR", NOW_MS)[0] == []


def test_it_says_what_why_and_by_which_figures() -> None:
    (one,), _ = find_alerts(outcomes(cart=0), "EUR", NOW_MS)
    said = in_words(one)
    assert said.startswith(f"{alerts.hour_of(LAST)}: decisions that were seen: ")
    assert "100% less than in the same hour of past weeks, 0 where 40 were expected" in said
    assert "all of it is placement cart" in said
    assert "no bad news" not in said
    (more,), _ = find_alerts(outcomes(cart=400), "EUR", NOW_MS)
    assert "more than in the same hour of past weeks (no bad news)" in in_words(more)


def test_json_and_the_exit_code_are_of_bad_news_in_the_newest_hour(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(outcomes(cart=0), "EUR", NOW_MS, None, is_json=True) == 1
    (said,) = json.loads(capsys.readouterr().out)["alerts"]
    assert (said["kpi"], said["direction"], said["is_bad"]) == ("shown", "less", True)
    assert said["cause"]["value"] == "cart"
    assert said["hour_ms"] == LAST * HOUR_MS
    assert said["past"] == [40.0, 40.0, 40.0]
    assert said["off"]["value"] == 0.0
    assert run(outcomes(cart=0), "EUR", NOW_MS + HOUR_MS, None, is_json=True) == 0, "an hour ago"
    assert len(json.loads(capsys.readouterr().out)["alerts"]) == 1
    assert run(outcomes(cart=400), "EUR", NOW_MS, None, is_json=True) == 0, "no bad news"
    capsys.readouterr()
    assert run(outcomes(), "EUR", NOW_MS, None, is_json=False) == 0
    assert "as the same hours of past weeks" in capsys.readouterr().out
    assert run(outcomes(cart=0), "EUR", NOW_MS, None, is_json=False) == 1
    assert "placement cart" in capsys.readouterr().out


def test_what_goes_on_for_days_is_told_again_and_again_to_who_looks_each_hour() -> None:
    hours = KpiHours("EUR")
    begins = FIRST + 4 * WEEK_HOURS
    for hour in range(FIRST, begins + 48):
        hours.put(hour, [ALL], {"shown": 100.0 if hour < begins else 10.0})
    told = [until - 1 for until in range(begins, begins + 48) for one in judged(hours, until, 8) if one.hour == until - 1]  # fmt: skip
    assert told[0] == begins
    assert all(1 <= later - one < 2 * COOL_DOWN_HOURS for one, later in pairwise(told))
    assert told[-1] > begins + 48 - 2 * COOL_DOWN_HOURS
    assert all(later - one == COOL_DOWN_HOURS for one, later in pairwise(told[-4:]))


class Receiver(HTTPServer):
    """Takes what is posted, and answers `status`; `holds` it back until it is closed."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.status, self.taken = status, list[Any]()
        self.holds: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?token=secret"


class Taking(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.holds is not None:
            self.server.holds.wait(30)
            return
        self.server.taken.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_request(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    if server.holds is not None:
        server.holds.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_gets_the_alerts_of_the_newest_hour_and_no_older_ones(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    run(outcomes(cart=0), "EUR", NOW_MS, receiver.url, is_json=True)
    ((path, body),) = receiver.taken
    assert path == "/hook?token=secret"
    assert body["alerts"] == json.loads(capsys.readouterr().out)["alerts"]
    run(outcomes(cart=0), "EUR", NOW_MS + HOUR_MS, receiver.url, is_json=True)
    run(outcomes(), "EUR", NOW_MS, receiver.url, is_json=True)
    assert len(receiver.taken) == 1


def test_a_webhook_that_refuses_hangs_or_is_gone_is_told_without_its_secret(
    receiver: Receiver, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = find_alerts(outcomes(cart=0), "EUR", NOW_MS)
    receiver.status = 500
    assert not post(receiver.url, found)
    assert "it answered 500" in capsys.readouterr().err
    receiver.holds = threading.Event()
    monkeypatch.setattr(alerts, "POST_S", 0.2)
    assert not post(receiver.url, found)
    assert not post("http://127.0.0.1:1/x?token=secret", found)
    told = capsys.readouterr().err
    assert told.count("took no alert") == 2
    assert "secret" not in told
    assert run(outcomes(cart=0), "EUR", NOW_MS, receiver.url, is_json=True) == 1, (
        "it ends as it would"
    )


@pytest.mark.parametrize("url", ["example.com/hook", "ftp://example.com", "http://", "https:///x"])
def test_a_webhook_is_an_address_of_the_web(url: str) -> None:
    with pytest.raises(ConfigError, match="KAIROS_ALERT_WEBHOOK"):
        checked_webhook(url)
    assert checked_webhook("") is None
    assert checked_webhook("https://example.com/hook") == "https://example.com/hook"
