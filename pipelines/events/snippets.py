"""What to paste to send a first event: the same call for the command line, Python and JavaScript."""

from __future__ import annotations

import json


def snippets(url: str, key: str) -> dict[str, str]:
    """By language, ready to run against the gateway at `url` with this write key."""
    message = {"userId": "u1", "event": "Signed Up", "properties": {"plan": "pro"}}
    return {
        "curl": (
            f"curl {url}/v1/track -u '{key}:' -H 'Content-Type: application/json' \\\n  -d '{json.dumps(message)}'"
        ),
        "python": (
            "# pip install segment-analytics-python\n"
            "import segment.analytics as analytics\n"
            f'analytics.write_key = "{key}"\n'
            f'analytics.host = "{url}"\n'
            'analytics.track("u1", "Signed Up", {"plan": "pro"})\n'
            "analytics.flush()"
        ),
        "javascript": (
            "// npm install @segment/analytics-node\n"
            "import { Analytics } from '@segment/analytics-node'\n"
            f"const analytics = new Analytics({{ writeKey: '{key}', host: '{url}' }})\n"
            "analytics.track({ userId: 'u1', event: 'Signed Up', properties: { plan: 'pro' } })\n"
            "await analytics.closeAndFlush()"
        ),
    }
