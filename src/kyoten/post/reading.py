"""`./kyoten mail read`: what the intake would make of a file, without keeping anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from kyoten.post.parse import Parsed, parse

UNREADABLE = "このメールは読み取れませんでした。原本は元の場所にあります。"


def read_file(path: Path) -> dict[str, Any]:
    """One line for one message. Whatever is wrong with it is told in `reason`; nothing is raised."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return _unread(path, f"ファイルを開けません（{error.strerror}）。")
    if not raw.strip():
        return _unread(path, "ファイルが空です。")
    try:
        return {"path": str(path), "ok": True, **told(parse(raw))}
    except Exception as error:  # noqa: BLE001 - no message may end the batch, for no reason
        return _unread(path, f"{UNREADABLE}（{type(error).__name__}: {error}）"[:300])


def told(parsed: Parsed) -> dict[str, Any]:
    """What a mail says, as plain data."""
    files = [
        {"name": file.name, "size": len(file.data), "sha1": hashlib.sha1(file.data).hexdigest()}
        for file in parsed.enclosed
    ]
    return {
        "subject": parsed.subject,
        "from_email": parsed.sender,
        "from_name": parsed.sender_name,
        "text": parsed.text,
        "attachments": files,
        "machine": bool(parsed.machine),
        "in_reply_to": parsed.in_reply_to,
        "references": parsed.references.split(),
    }


def _unread(path: Path, reason: str) -> dict[str, Any]:
    return {"path": str(path), "ok": False, "raw": str(path), "reason": reason, **told(Parsed())}
