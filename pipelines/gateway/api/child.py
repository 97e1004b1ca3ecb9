"""`python -m pipelines.gateway.api.child`: answers the gateway's questions, one after the other.

A question is a line of JSON on stdin, an answer a line with its status and size on stdout and then its bytes. It ends
with its stdin, or with the gateway. What went wrong becomes words as on the command line; what nobody foresaw is told
by its kind only, since its text may quote data.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from pipelines.errors import BusyError, MillstreamError, NotPublishedError, UsageError
from pipelines.tied import die_with_parent

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of one answer; a larger one is refused."""


def main() -> int:
    """Answer until stdin ends."""
    die_with_parent(int(sys.argv[1]))
    # Should memory run out, this one goes and the collector stays; and it stands back for it.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
        os.nice(5)
    # Whatever a library prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from pipelines.gateway.api.answers import Desk
    from pipelines.settings import load_settings

    desk = Desk(load_settings())
    for line in sys.stdin.buffer:
        status, text = answer(desk, json.loads(line))
        answers.write(b"%d %d\n" % (status, len(text)) + text)
        answers.flush()
    return 0


def answer(desk: object, question: dict[str, object]) -> tuple[int, bytes]:
    """The status and the body of the answer to one question."""
    from pipelines.gateway.api.answers import ANSWERS, Desk, PeopleError
    from pipelines.gateway.api.commands import BY_NAME
    from pipelines.gateway.api.parameters import Nothing
    from pipelines.plain import json_text

    assert isinstance(desk, Desk)
    desk.sees_people = bool(question["sees_people"])
    name = str(question["name"])
    model = BY_NAME[name].parameters if name in BY_NAME else Nothing
    try:
        text = json_text(ANSWERS[name](desk, model.model_validate(question["parameters"]), str(question["body"])))
        raw = text.encode("utf-8", "replace")
    except UsageError as problem:
        return _problem(400, str(problem))
    except PeopleError as problem:
        return _problem(403, str(problem))
    except (NotPublishedError, BusyError) as problem:
        return _problem(503, str(problem))
    except MillstreamError as problem:
        return _problem(500, str(problem))
    except MemoryError:
        return _problem(422, "this question needs more memory than there is; ask for less.")
    except Exception as problem:
        kind = type(problem).__name__
        if kind == "OutOfMemoryException":
            return _problem(422, "this question needs more memory than there is; ask for less.")
        sys.stderr.write(f"the API could not answer {name}: unexpected {kind}\n")
        return _problem(500, f"unexpected {kind}. Nothing was changed.")
    if len(raw) > ANSWER_LIMIT:
        return _problem(422, f"the answer has more than {ANSWER_LIMIT // 1024 // 1024} MiB; ask for less.")
    return 200, raw


def _problem(status: int, words: str) -> tuple[int, bytes]:
    return status, json.dumps({"error": words}).encode()


if __name__ == "__main__":
    sys.exit(main())
