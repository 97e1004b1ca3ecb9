"""`python -m pipelines.gateway [--host 127.0.0.1] [--port 8000]`: the gateway alone, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import sys

import uvicorn

from pipelines.errors import MillstreamError
from pipelines.gateway.app import create_app
from pipelines.gateway.garbage import look_less_often
from pipelines.gateway.server import ADDRESS, PORT
from pipelines.settings import load_settings
from pipelines.stripe.webhooks import secrets_of


def main() -> int:
    """Serve; returns the exit code of a setting that is wrong."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.gateway", description=__doc__)
    parser.add_argument("--host", default=ADDRESS, help="address to listen on")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = load_settings()
        app = create_app(settings)
    except MillstreamError as problem:
        sys.stderr.write(f"gateway: {problem}\n")
        return problem.exit_code
    log = logging.getLogger("millstream.gateway")
    log.info("listening on %s:%d, data in %s", given.host, given.port, settings.data_dir)
    if not secrets_of(settings):
        log.warning("STRIPE_WEBHOOK_SECRET is not set: Stripe's webhooks are refused, the sync finds everything itself")
    if not settings.sendgrid_webhook_public_key:
        log.warning("SENDGRID_WEBHOOK_PUBLIC_KEY is not set: SendGrid's events are refused")
    look_less_often()
    uvicorn.run(
        app,
        host=given.host,
        port=given.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
