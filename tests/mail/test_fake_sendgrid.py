"""The fake SendGrid: what it took it can tell, whoever asks, and its weather does not depend on the order of mails."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pipelines.demo.sendgrid_server import MODES, MailKnobs, SendGridAccount, serving
from pipelines.mail.sendgrid_body import body
from tests.mail.mails import MAIL, mail

KEY = {"Authorization": "Bearer SG.a-key"}
WEATHER = {"202": 5.0, "429": 1.0, "500_after_accept": 1.0, "503": 1.0}


def post(client: httpx.Client, document: object, **headers: str) -> httpx.Response:
    return client.post("/v3/mail/send", json=document, headers={**KEY, **headers})


def statuses(knobs: MailKnobs, numbers: list[int], threads: int) -> tuple[list[int], Counter[str]]:
    account = SendGridAccount(knobs)
    with serving(account) as url, httpx.Client(base_url=url) as client, ThreadPoolExecutor(threads) as pool:
        answers = dict(zip(numbers, pool.map(lambda n: post(client, body(mail(n))).status_code, numbers), strict=True))
    return [answers[number] for number in sorted(numbers)], account.accepted


def test_sixteen_connections_find_the_weather_of_one() -> None:
    numbers = list(range(80))
    one, taken = statuses(MailKnobs(weights=WEATHER), numbers, 1)
    many, taken_too = statuses(MailKnobs(weights=WEATHER), numbers[::-1], 16)
    assert one == many
    assert taken == taken_too
    assert set(one) == {202, 429, 500, 503}
    assert statuses(MailKnobs(weights=WEATHER, seed=8), numbers, 16)[0] != one


def test_what_was_taken_is_told_to_another_process_and_the_knobs_turn_while_it_runs() -> None:
    command = [sys.executable, "-m", "pipelines.demo.sendgrid_server", "--port", "0", "--weights", "500_after_accept"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with httpx.Client(base_url=process.stdout.readline().split()[-1]) as client:
                assert post(client, body(MAIL)).status_code == 500
                assert client.put("/fake/knobs", json={"weights": {"202": 1}, "script": ["429"]}).status_code == 200
                assert [post(client, body(MAIL)).status_code for _ in range(2)] == [429, 202]
                assert client.get("/fake/accepted").json() == {MAIL.key: 2}
                assert client.get("/fake/answered").json() == {"500_after_accept": 1, "429": 1, "202": 1}
                assert client.put("/fake/knobs", json={"script": ["418"]}).status_code == 400
        finally:
            process.terminate()
    assert process.returncode == -signal.SIGTERM


def test_an_account_outlives_an_outage_of_its_server() -> None:
    account = SendGridAccount()
    with serving(account) as url:
        assert httpx.post(f"{url}/v3/mail/send", json=body(MAIL), headers=KEY).status_code == 202
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{url}/v3/mail/send", json=body(MAIL), headers=KEY)
    with serving(account, int(url.rpartition(":")[2])):
        assert httpx.post(f"{url}/v3/mail/send", json=body(MAIL), headers=KEY).status_code == 202
    assert account.duplicates() == 1


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.status is None])
def test_a_dropped_connection_says_nothing(mode: str) -> None:
    account = SendGridAccount(MailKnobs(weights={mode: 1}))
    with serving(account) as url, pytest.raises((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        httpx.post(f"{url}/v3/mail/send", json=body(MAIL), headers=KEY)
    assert account.accepted.total() == MODES[mode].is_taken


WRONG = {
    "no sender": {"from": {}},
    "a sender that is not ASCII": {"from": {"email": "hëllo@example.com"}},
    "nobody": {"personalizations": []},
    "no address": {"personalizations": [{"to": [{"email": "ann"}], "subject": "Hi"}]},
    "a comma in a name": {"personalizations": [{"to": [{"email": "a@b.com", "name": "A, B"}], "subject": "Hi"}]},
    "one address twice": {"personalizations": [{"to": [{"email": "a@b.com"}, {"email": "A@b.com"}], "subject": "Hi"}]},
    "no subject": {"personalizations": [{"to": [{"email": "a@b.com"}]}], "subject": ""},
    "a header that is SendGrid's": {
        "personalizations": [{"to": [{"email": "a@b.com"}], "subject": "Hi", "headers": {"Reply-To": "x"}}]
    },
    "text after html": {"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]},
    "an empty part": {"content": [{"type": "text/plain", "value": ""}]},
    "eleven categories": {"categories": [str(number) for number in range(11)]},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_mail_is_refused_as_a_whole(wrong: dict[str, object]) -> None:
    account = SendGridAccount()
    answer = account.reply(
        "POST", "/v3/mail/send", {"authorization": "Bearer SG.x"}, json.dumps({**body(MAIL), **wrong}).encode()
    )
    assert (answer.status, account.accepted) == (400, {})
    assert json.loads(answer.body)["errors"][0]["message"]


def test_without_its_key_nothing_is_taken_and_in_the_sandbox_nothing_goes_out() -> None:
    account = SendGridAccount(MailKnobs(api_key="SG.right"))
    for key, status in (("", 401), ("Bearer SG.wrong", 401), ("Basic SG.right", 401)):
        assert account.reply("POST", "/v3/mail/send", {"authorization": key}, b"{}").status == status
    sandboxed = json.dumps({**body(MAIL), "mail_settings": {"sandbox_mode": {"enable": True}}}).encode()
    assert account.reply("POST", "/v3/mail/send", {"authorization": "Bearer SG.right"}, sandboxed).status == 200
    assert account.accepted == {}
