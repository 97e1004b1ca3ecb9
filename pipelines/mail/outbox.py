"""The local mailer: each mail is a file `outbox/<campaign>/<key>-<attempt>.eml`, whole or absent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pipelines.files import sync_folder, write_whole
from pipelines.mail.message import Handover, Mail, is_ours, to_bytes


class Outbox:
    """Mails as files in one folder; readable by every mail program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hand_over(self, mail: Mail) -> Handover:
        """Write one mail. `not_sent`: the disk refused it before it had its name."""
        try:
            content = to_bytes(mail)
        except ValueError as problem:
            return Handover("rejected", reason=f"unwritable: {type(problem).__name__}")
        path = self.folder / mail.campaign / f"{mail.key}-{mail.attempt}.eml"
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                sync_folder(self.folder)
            write_whole(path, content)
        except OSError as problem:
            for part in path.parent.glob(f"{path.name}.*.part"):
                part.unlink(missing_ok=True)
            reason = problem.strerror or type(problem).__name__
            return Handover("ambiguous" if path.exists() else "not_sent", reason=reason)
        return Handover("accepted", message_id=mail.message_id)

    def handed_over(self, campaign: str) -> dict[str, int]:
        """How many mails lie here per key."""
        return Counter(path.stem.rpartition("-")[0] for path in (self.folder / campaign).glob("*.eml"))

    def gave(self, message_id: str) -> bool:
        """Whether it is a Message-ID of ours."""
        return is_ours(message_id)

    def close(self) -> None:
        """Nothing stays open between mails."""
