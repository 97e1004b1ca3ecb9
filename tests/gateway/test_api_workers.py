"""The processes behind the API: how many, how long, and that the collector does not notice them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.accounts import add_user, make_token
from pipelines.events.sources import add_source
from pipelines.gateway.api import child, told, workers
from pipelines.gateway.api.workers import EndedError, FullError, TooLongError, Workers
from pipelines.gateway.app import create_app
from pipelines.settings import Settings
from pipelines.state import open_state
from tests.building import alive
from tests.gateway.calling import Caller, serving
from tests.gateway.children import children_of_the_api
from tests.gateway.test_gateway_process import free_port, running
from tests.threads import on_own_thread

LIST: tuple[str, dict[str, object], str] = ("segment_list", {}, "")


Children = Callable[[], list[int]]


def with_workers(
    settings: Settings,
    children: Children,
    ask: Callable[[Workers], Coroutine[Any, Any, None]],
    *,
    size: int = 1,
    seconds: float = 60,
) -> None:
    """Run `ask`; afterwards no child is left."""

    async def run() -> None:
        pool = Workers({**os.environ, **settings.environment()}, size=size, seconds=seconds)
        try:
            await ask(pool)
        finally:
            await pool.close()

    on_own_thread(asyncio.run, run())
    assert children() == []


def test_a_full_house_is_told_so_and_a_child_is_used_again(
    settings: Settings, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WAITING", 1)

    async def ask(pool: Workers) -> None:
        asked = [asyncio.create_task(pool.ask(*LIST)) for _ in range(3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert answers[:2] == [(200, b'{"segments": []}')] * 2
        assert isinstance(answers[2], FullError)
        (only,) = children()
        assert (await pool.ask(*LIST))[0] == 200
        assert children() == [only]

    with_workers(settings, children, ask)


def test_a_question_that_takes_too_long_ends_with_its_child(settings: Settings, children: Children) -> None:
    async def ask(pool: Workers) -> None:
        await pool.ask(*LIST)
        (stopped,) = children()
        os.kill(stopped, signal.SIGSTOP)
        pool._seconds = 0.2
        with pytest.raises(TooLongError):
            await pool.ask(*LIST)
        while alive(stopped):
            await asyncio.sleep(0.01)
        pool._seconds = 60
        assert (await pool.ask(*LIST))[0] == 200

    with_workers(settings, children, ask)


def test_one_that_waited_all_its_time_was_never_begun(settings: Settings, children: Children) -> None:
    async def ask(pool: Workers) -> None:
        await pool.ask(*LIST)
        (stopped,) = children()
        os.kill(stopped, signal.SIGSTOP)
        first = asyncio.create_task(pool.ask(*LIST))
        await asyncio.sleep(0)
        pool._seconds = 0.05
        with pytest.raises(FullError):
            await pool.ask(*LIST)
        os.kill(stopped, signal.SIGCONT)
        assert (await first)[0] == 200

    with_workers(settings, children, ask)


def test_a_child_that_is_killed_over_a_question_is_told_and_replaced(settings: Settings, children: Children) -> None:
    async def ask(pool: Workers) -> None:
        await pool.ask(*LIST)
        (first,) = children()
        os.kill(first, signal.SIGSTOP)
        question = asyncio.create_task(pool.ask(*LIST))
        await asyncio.sleep(0)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(EndedError):
            await question
        assert (await pool.ask(*LIST))[0] == 200
        assert children() != [first]

    with_workers(settings, children, ask)


def test_a_child_without_questions_ends(
    settings: Settings, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_IDLE", 0.01)

    async def ask(pool: Workers) -> None:
        await pool.ask(*LIST)
        while children():
            await asyncio.sleep(0.01)
        assert (await pool.ask(*LIST))[0] == 200

    with_workers(settings, children, ask)


def test_the_collector_takes_events_while_a_question_is_being_answered(settings: Settings, children: Children) -> None:
    engine, now = open_state(settings), datetime.now(UTC)
    add_user(engine, "ann", "reader", None, now=now)
    token, _ = make_token(engine, "ann", label="", life=timedelta(hours=1), now=now)
    key = add_source(engine, "web", now=now)
    with serving(create_app(settings)) as gateway, ThreadPoolExecutor(1) as thread:
        assert gateway.api("/v1/api/segment/list", token=token).status == 200
        (busy,) = children()
        os.kill(busy, signal.SIGSTOP)
        question = thread.submit(gateway.api, "/v1/api/segment/list", token=token)
        assert gateway.send("/v1/track", {"userId": "u", "event": "e"}, key=key).status == 200
        assert gateway.get("/readyz").status == 200
        assert not question.done()
        os.kill(busy, signal.SIGCONT)
        assert question.result().status == 200
    assert children() == []


def test_a_gateway_that_is_killed_leaves_no_child(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    with running(port, tmp_path / "log") as gateway:
        assert Caller(port).get("/v1/openapi.json").document["openapi"] == "3.1.0"
        (child_of_it,) = children_of_the_api(gateway.pid)
        gateway.kill()
        gateway.wait()
        while alive(child_of_it):
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("problem", "status", "retry_after"),
    [(FullError, 503, "5"), (TooLongError, 504, None), (EndedError, 500, None)],
)
def test_a_question_without_an_answer_says_why(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    problem: type[Exception],
    status: int,
    retry_after: str | None,
) -> None:
    async def none(*_: object, **__: object) -> tuple[int, bytes]:
        raise problem

    monkeypatch.setattr(Workers, "ask", none)
    engine, now = open_state(settings), datetime.now(UTC)
    add_user(engine, "ann", "reader", None, now=now)
    token, _ = make_token(engine, "ann", label="", life=timedelta(hours=1), now=now)
    with serving(create_app(settings)) as gateway:
        answer = gateway.api("/v1/api/segment/list", token=token)
        assert (answer.status, answer.headers.get("retry-after")) == (status, retry_after)
        assert answer.document["error"] in {told.FULL.words, told.TOO_LONG.words, told.ENDED.words}


def test_an_answer_that_is_too_large_or_unforeseen_is_told_without_data(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.gateway.api import answers

    question: dict[str, object] = {"name": "segment_list", "parameters": {}, "body": "", "sees_people": False}
    desk = answers.Desk(settings)

    def replaced(answer: Callable[..., dict[str, Any]]) -> tuple[int, bytes]:
        monkeypatch.setitem(answers.ANSWERS, "segment_list", answer)
        return child.answer(desk, question)

    def unforeseen(*_: object) -> dict[str, Any]:
        raise KeyError("ann@example.com")

    def memory(*_: object) -> dict[str, Any]:
        raise MemoryError

    monkeypatch.setattr(child, "ANSWER_LIMIT", 100)
    assert replaced(lambda *_: {"rows": "x" * 100})[0] == 422
    assert replaced(lambda *_: {"rows": "x" * 80})[0] == 200
    assert replaced(memory)[0] == 422
    status, text = replaced(unforeseen)
    assert (status, text) == (500, b'{"error": "unexpected KeyError. Nothing was changed."}')
    assert "ann@example.com" not in capsys.readouterr().err
