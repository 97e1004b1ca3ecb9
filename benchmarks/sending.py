"""Sending with the full ledger to a local SendGrid that takes everything, against a bare loop with the same bodies.

Both have as many threads over one pool of connections, in this process; the provider is a process of its
own, and costs both the same of the machine. By turns each posts the same number of mails, and a figure is the
median of its turns. The sender claims, renders, checks consent, suppression and a frequency cap, and brings every
step to disk (SQLite, synchronous=FULL); the loop has its bodies ready. The bare loop uses httpx, as anybody's would;
a second one uses the mailer's own wire, which is cheaper, and so shows what making the mails and the ledger cost.
`python -m benchmarks.sending [MAILS] [ROUNDS]`.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import httpx
import orjson
from sqlalchemy import Engine, insert

from pipelines.campaigns import Content, approve, dedupe_key, load, move, parse_campaign, save
from pipelines.delivery import send
from pipelines.delivery.ledger import Claimed
from pipelines.delivery.making import Making
from pipelines.delivery.sending import CONNECTIONS
from pipelines.mail import Mail, Mailer, mailer_for
from pipelines.mail.sendgrid_body import body
from pipelines.mail.wire import Wire
from pipelines.privacy import address_key
from pipelines.segments import parse_segment
from pipelines.segments import save as save_segment
from pipelines.settings import Settings
from pipelines.state import open_state, writing
from pipelines.state.tables import recipients

MAILS = 4_000
ROUNDS = 5
RENDERED = 3_000
_PARAGRAPH = "<tr><td style='padding:12px;font-family:sans-serif'>What is new this month, in one paragraph.</td></tr>"
HTML = (
    "<html><body><p>{{ first_name | default('Hello') }}, you are with us since {{ customer_since | default('long') }}"
    f"</p><table>{_PARAGRAPH * 60}</table><a href='{{{{ unsubscribe_url }}}}'>Leave</a> {{{{ postal_address }}}}"
    "</body></html>"
)
TEXT = (
    "{{ first_name | default('Hello') }},\n"
    + "What is new this month.\n" * 40
    + "{{ unsubscribe_url }} {{ postal_address }}"
)


@dataclass
class Figures:
    """What one way of sending did, by turn: mails a second, and seconds of CPU for a thousand mails."""

    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


class Watched:
    """The mailer, noting how much memory this process has while mails leave."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer
        self.handed_over, self.gave, self.close = mailer.handed_over, mailer.gave, mailer.close
        self.memory: list[int] = []
        self._count = 0

    def hand_over(self, mail: Mail) -> object:
        """Pass it on."""
        self._count += 1
        if self._count % 100 == 0:
            self.memory.append(_memory())
        return self._mailer.hand_over(mail)


def measure(mails: int = MAILS, rounds: int = ROUNDS) -> str:
    """Rates and CPU of both, their ratio, memory while sending, and how fast mails are rendered."""
    figures = {"bare": Figures(), "wire": Figures(), "ours": Figures()}
    with tempfile.TemporaryDirectory() as name, _provider() as url:
        settings = _settings(Path(name), url)
        engine = open_state(settings)
        content = _campaign(settings, engine)
        posted = [orjson.dumps(body(mail)) for mail in _mails(settings, content, mails)]
        memory: list[int] = []
        for number in range(rounds):
            with _timed(figures["bare"], mails):
                _post(settings, posted)
            with _timed(figures["wire"], mails):
                _post_over_our_wire(settings, posted)
            _plan(engine, f"round{number}", mails)
            mailer = Watched(mailer_for(settings))
            with _timed(figures["ours"], mails):
                done = send(settings, "benchmark", mailer=mailer)  # type: ignore[arg-type]
            assert done.accepted == mails, done
            memory += mailer.memory
        rendered = _rendering(settings, content)
    bare, wire, ours = figures["bare"], figures["wire"], figures["ours"]
    rate, floor = median(ours.rate), median(bare.rate)
    quarter = max(1, len(memory) // 4)
    return (
        f"{mails:,} mails, {rounds} rounds: {rate:,.0f} a second with the full ledger, bare loop {floor:,.0f}: "
        f"{rate / floor:.2f} of it; CPU for a thousand {median(ours.cpu):.2f} s against {median(bare.cpu):.2f} s; "
        f"the same loop over our own wire {median(wire.rate):,.0f} a second and {median(wire.cpu):.2f} s; "
        f"memory while sending {median(memory[:quarter]) / 2**20:.0f} MB in the first quarter, "
        f"{median(memory[-quarter:]) / 2**20:.0f} MB in the last, at most "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB; rendering alone {rendered:,.0f} a second"
    )


def _memory() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def _timed(figures: Figures, mails: int) -> Iterator[None]:
    begin, cpu = time.perf_counter(), time.process_time()
    yield
    figures.rate.append(mails / (time.perf_counter() - begin))
    figures.cpu.append((time.process_time() - cpu) * 1000 / mails)


_HEADERS = {"Authorization": "Bearer SG.benchmark", "Content-Type": "application/json"}


def _post(settings: Settings, posted: list[bytes]) -> None:
    """The bare loop: threads that take the next body and post it."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    base = settings.sendgrid_api_base
    with httpx.Client(base_url=base, headers=_HEADERS, limits=limits, verify=False) as client:
        _loop(posted, lambda content: client.post("/v3/mail/send", content=content).status_code)


def _post_over_our_wire(settings: Settings, posted: list[bytes]) -> None:
    """The same loop with the mailer's connections."""
    with closing(Wire(settings.sendgrid_api_base, _HEADERS, seconds=10, connect_seconds=5)) as wire:
        _loop(posted, lambda content: wire.ask("POST", "/v3/mail/send", content).status)


def _loop(posted: list[bytes], post: Callable[[bytes], int]) -> None:
    left, lock = iter(posted), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                content = next(left, None)
            if content is None:
                return
            assert post(content) == 202

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _rendering(settings: Settings, content: Content) -> float:
    begin = time.perf_counter()
    _mails(settings, content, RENDERED)
    return RENDERED / (time.perf_counter() - begin)


def _mails(settings: Settings, content: Content, count: int) -> list[Mail]:
    making, now = Making(settings, content), datetime.now(UTC)
    made = [making.mail(_claimed(number), now, {}) for number in range(count)]
    return [mail for mail in made if isinstance(mail, Mail)]


def _claimed(number: int) -> Claimed:
    row = _row(number, "ready")
    return Claimed(
        key=row["dedupe_key"],
        occurrence="ready",
        step="",
        address=row["address"],
        address_key=row["address_key"],
        variables=json.loads(row["variables"]),
        variant="",
        attempt=1,
    )


def _row(number: int, occurrence: str) -> dict[str, str]:
    address = f"person{number}@millstream.test"
    key = address_key(address)
    return {
        "dedupe_key": dedupe_key("benchmark", occurrence, key),
        "campaign": "benchmark",
        "occurrence": occurrence,
        "person_id": f"p{number}",
        "address": address,
        "address_key": key,
        "variables": json.dumps({"first_name": f"Ann{number}", "customer_since": "2024-05-01"}),
        "state": "planned",
    }


def _plan(engine: Engine, occurrence: str, mails: int) -> None:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        connection.execute(
            insert(recipients), [{**_row(number, occurrence), "planned_at": now} for number in range(mails)]
        )


def _campaign(settings: Settings, engine: Engine) -> Content:
    """A campaign that stays open: one person of it waits for a later year."""
    now = datetime.now(UTC)
    save_segment(engine, parse_segment("name: everybody\nmatch: {all: []}"), now)
    document = {
        "name": "benchmark",
        "segment": "everybody",
        "subject": "{{ first_name | default('Hello') }}, what is new",
        "html": HTML,
        "text": TEXT,
        "limits": {"frequency_cap": {"count": 1000, "within": "7d"}},
    }
    save(engine, parse_campaign(json.dumps(document), settings.data_dir), now)
    approve(engine, settings, "benchmark", now, user="benchmark")
    with writing(engine) as connection:
        move(connection, "benchmark", "sending", now=now, actor="benchmark")
        later = {**_row(-1, "later"), "planned_at": now, "not_before": now.replace(year=now.year + 1, day=1)}
        connection.execute(insert(recipients).values(**later))
    return load(engine, "benchmark")


def _settings(folder: Path, url: str) -> Settings:
    return Settings(
        MILLSTREAM_DATA_DIR=folder / "data",
        MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely",
        MILLSTREAM_CONSENT="customers",
        MILLSTREAM_MAILER="sendgrid",
        MILLSTREAM_SEND_MODE="live",
        MILLSTREAM_FROM_EMAIL="news@northwind.example",
        MILLSTREAM_PUBLIC_URL="https://mail.northwind.example",
        SENDGRID_API_KEY="SG.benchmark",
        SENDGRID_API_BASE=url,
    )


@contextmanager
def _provider() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "pipelines.demo.sendgrid_server", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                with urlopen(f"{url}/fake/answered", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    print(measure(*(int(argument) for argument in sys.argv[1:])))
