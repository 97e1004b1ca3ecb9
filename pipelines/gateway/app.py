"""The ASGI application: its parts, their life, and the routes.

Starting waits for nobody: what a killed predecessor left is sealed beside the first requests, and
needs no lock to be known. Stopping brings to disk what waits; what is then unsealed the next load
takes. A kill instead loses nothing that was answered (`landing.journal`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipelines.delivery import webhook
from pipelines.delivery.applied import apply_events, known_events
from pipelines.delivery.events import Told
from pipelines.events.sources import WriteKey, read_keys
from pipelines.gateway import collector
from pipelines.gateway.api.http import Api
from pipelines.gateway.bodies import read_body
from pipelines.gateway.choices import CONFIRM, UNSUBSCRIBE, Choices
from pipelines.gateway.health import Probe
from pipelines.gateway.keys import KeyRing
from pipelines.gateway.metrics import CONTENT_TYPE, Counts
from pipelines.gateway.refusals import REFUSALS, reason_of
from pipelines.gateway.store import StoreThreads
from pipelines.landing import Appender, Journal, Landing
from pipelines.landing.journal import Figures
from pipelines.settings import Settings
from pipelines.state import open_state, reading
from pipelines.stripe import webhooks
from pipelines.stripe.delivered import newest_keys

_log = logging.getLogger("millstream.gateway")
SENDGRID = "sendgrid"
_TAKEN = {outcome: f'{{"status":"{outcome}"}}'.encode() for outcome in ("accepted", "duplicate")}


class Gateway:
    """The parts of one gateway and what its routes do with them."""

    def __init__(self, settings: Settings, journal: Appender | None, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._landing = Landing(settings.landing_dir)
        self._secrets = webhooks.secrets_of(settings)
        self._verification_keys = webhook.verification_keys(settings)
        self._given = journal
        self._clock = clock
        self._counts = Counts(("stripe", SENDGRID, collector.SOURCE, UNSUBSCRIBE, CONFIRM))
        self._probe = Probe(settings.landing_dir)
        self._figures = Figures()
        environment = {**os.environ, **settings.environment()}
        self._store = StoreThreads("mail events")
        self.choices = Choices(settings, self._counts, clock)
        self.api = Api(settings, self._counts, clock, environment)

    @asynccontextmanager
    async def life(self, _app: Starlette) -> AsyncIterator[None]:
        """From the first request to the last."""
        own = Journal(self._landing.folder, when_closed=self._seal) if self._given is None else None
        journal = self._given or own
        assert journal is not None
        self._figures = own.figures if own else self._figures
        self._stripe = webhooks.Inbox(journal, self._secrets)
        self._stripe.remember(await asyncio.to_thread(newest_keys, self._landing))
        self._sendgrid = webhook.Inbox(
            journal, self._verification_keys, known=self._known_events, apply=self._apply_events
        )
        self._collector = collector.Collector(journal, KeyRing(self._read_keys), self._counts, self._clock)
        threading.Thread(target=self._seal, name="sealing", daemon=True).start()
        yield
        self.choices.close()
        self._store.close()
        await self.api.close()
        if own:
            await asyncio.to_thread(own.close)

    async def stripe_webhook(self, request: Request) -> Response:
        """`POST /webhooks/stripe`."""

        async def take() -> Response:
            body = await read_body(request, webhooks.LIMIT)
            outcome = await self._stripe.take(body, request.headers.get("stripe-signature"), now=self._clock())
            self._counts.took("stripe", outcome)
            return Response(_TAKEN[outcome], media_type="application/json")

        return await self._answer("stripe", take())

    async def sendgrid_webhook(self, request: Request) -> Response:
        """`POST /webhooks/sendgrid`."""

        async def take() -> Response:
            body = await read_body(request, webhook.LIMIT)
            signature, timestamp = request.headers.get(webhook.SIGNATURE), request.headers.get(webhook.TIMESTAMP)
            outcome, delivery = await self._sendgrid.take(body, signature, timestamp, now=self._clock())
            self._counts.took(SENDGRID, outcome)
            if outcome == "accepted":
                reasons = [reason.replace(" ", "_") for reason in delivery.set_aside]
                self._counts.messages(SENDGRID, len(delivery.events), reasons)
            return Response(_TAKEN[outcome], media_type="application/json")

        return await self._answer(SENDGRID, take())

    async def collect(self, request: Request) -> Response:
        """`POST /v1/track` and its like, and what a browser asks before it sends there."""
        if request.method == "OPTIONS":
            return collector.preflight(request)
        return await self._answer(collector.SOURCE, self._collector.take(request), collector.ANY_ORIGIN)

    async def _answer(
        self, source: str, taking: Awaitable[Response], headers: Mapping[str, str] | None = None
    ) -> Response:
        """The answer to a delivery; one that is not taken is counted and told why."""
        try:
            return await taking
        except Exception as problem:
            reason = reason_of(problem)
            if reason is None:
                raise
        self._counts.refused(source, reason)
        return REFUSALS[reason].response(headers)

    async def healthz(self, _request: Request) -> Response:
        """`GET /healthz`: the process answers."""
        return PlainTextResponse("ok")

    async def readyz(self, _request: Request) -> Response:
        """`GET /readyz`: the landing zone takes what comes."""
        problem = await asyncio.to_thread(self._probe.problem)
        return PlainTextResponse(problem or "ready", status_code=503 if problem else 200)

    async def metrics(self, _request: Request) -> Response:
        """`GET /metrics`, for Prometheus."""
        return Response(self._counts.text(self._figures, self._landing.folder), media_type=CONTENT_TYPE)

    async def _known_events(self, ids: Sequence[str]) -> set[str]:
        return await self._store.run(lambda: known_events(open_state(self._settings), ids))

    async def _apply_events(self, events: Sequence[Told], now: datetime) -> int:
        return await self._store.run(lambda: apply_events(open_state(self._settings), events, now=now))

    def _read_keys(self) -> list[WriteKey]:
        with reading(open_state(self._settings)) as connection:
            return read_keys(connection)

    def _seal(self) -> None:
        try:
            self._landing.seal_received()
        except OSError as problem:
            # It stays where it is, answered and on disk; the next seal or the next load takes it.
            _log.warning("what was received could not be sealed yet (%s)", problem.strerror)


def create_app(
    settings: Settings,
    *,
    journal: Appender | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Starlette:
    """The application over one data folder; a given `journal` takes the place of the one on disk.

    `clock` is what signatures are judged by: the real one, also over a demo's folder.
    """
    gateway = Gateway(settings, journal, clock)
    return Starlette(
        routes=[
            Route("/webhooks/stripe", gateway.stripe_webhook, methods=["POST"]),
            Route("/webhooks/sendgrid", gateway.sendgrid_webhook, methods=["POST"]),
            Route("/u/{token}", gateway.choices.leave, methods=["GET", "POST"]),
            Route("/c/{token}", gateway.choices.agree, methods=["GET", "POST"]),
            *(Route(path, gateway.collect, methods=["POST", "OPTIONS"]) for path in collector.PATHS),
            *gateway.api.routes(),
            Route("/healthz", gateway.healthz),
            Route("/readyz", gateway.readyz),
            Route("/metrics", gateway.metrics),
        ],
        lifespan=gateway.life,
    )
