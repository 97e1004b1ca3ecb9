"""A mail as SendGrid wants to be asked for it: the JSON of `POST /v3/mail/send`, for one recipient.

One recipient per request, because one wrong entry refuses a whole request, and so that refusal,
message id and doubt are one person's. What comes back with every event (`custom_args`) names nobody:
SendGrid keeps it for long and can not take anything out of it.
"""

from __future__ import annotations

from typing import Any

from pipelines.mail.message import Mail, ascii_domain, encodable, one_line

_TRACKING: dict[str, Any] = {
    # Segments and reports ask for clicks. Links in the text part stay readable.
    "click_tracking": {"enable": True, "enable_text": False},
    # Mail programs open mails by themselves: it would tell nothing, and put a pixel into every mail.
    "open_tracking": {"enable": False},
    # The link and the headers are ours; a second mechanism would keep a list of its own.
    "subscription_tracking": {"enable": False},
}
_NOT_IN_NAMES = str.maketrans("", "", ";,")


def body(mail: Mail) -> dict[str, Any]:
    """The request's body, in the form that SendGrid's own client writes."""
    sender = {"email": ascii_domain(mail.from_email)}
    if name := " ".join(one_line(mail.from_name).translate(_NOT_IN_NAMES).split()):
        sender["name"] = name
    parts = (("text/plain", mail.text), ("text/html", _untracked(mail.html, mail.unsubscribe_url)))
    return {
        "personalizations": [
            {
                "to": [{"email": ascii_domain(mail.to)}],
                "subject": one_line(mail.subject),
                "headers": {
                    "List-Unsubscribe": f"<{mail.unsubscribe_url}>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                },
                "custom_args": {"dk": mail.key, "cid": mail.campaign, "occ": mail.occurrence, "var": mail.variant},
            }
        ],
        "from": sender,
        # The person's own one counts; by SendGrid's OpenAPI document a mail must have this one, too.
        "subject": one_line(mail.subject),
        # An empty part would be refused.
        "content": [{"type": kind, "value": encodable(text)} for kind, text in parts if text],
        "categories": ["campaign"],
        "tracking_settings": _TRACKING,
        "mail_settings": {"sandbox_mode": {"enable": False}},
    }


def _untracked(html: str, url: str) -> str:
    """The mail whose unsubscribe link leads straight to us: leaving is no click, and hangs on no redirector."""
    for quote in ('"', "'"):
        html = html.replace(f"href={quote}{url}{quote}", f"clicktracking=off href={quote}{url}{quote}")
    return html
