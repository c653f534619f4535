"""Cleaning at the border: texts a database can hold, file names any office's machine can save."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

# Only these are declared as what they are; everything else is downloaded as unknown bytes.
CONTENT_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)  # device names of Windows
SURROGATE = re.compile("[\ud800-\udfff]")
LIMIT = 255  # bytes, what file systems allow


def clean_text(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    return SURROGATE.sub("\ufffd", text.replace("\0", ""))


def content_type_of(name: str) -> str:
    return CONTENT_TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def clean_file_name(name: str) -> str:
    """A bare, visible name: no path, no control or direction characters (RTL override), at most 255 bytes."""
    name = clean_text(name).replace("\\", "/").rpartition("/")[2]
    name = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp"))
    name = re.sub(r'[<>:"|?*]', "_", name).strip(" .")
    if RESERVED.match(name):
        name = f"_{name}"
    return _shorten(name) or "名称なし"


def _shorten(name: str) -> str:
    """Cut the stem, not the extension, at a whole character."""
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > 20:
        suffix = ""
    stem = name[: len(name) - len(suffix)]
    return stem.encode()[: LIMIT - len(suffix.encode())].decode("utf-8", "ignore") + suffix
