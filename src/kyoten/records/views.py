"""Serving files. The views themselves live in the apps that know who may see what; they end with `download(file)`."""

from __future__ import annotations

from urllib.parse import quote

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from kyoten.records.models import Attachment
from kyoten.records.names import clean_file_name


def download(attachment: Attachment) -> HttpResponseBase:
    """The file as a download that no browser will open, run or frame."""
    try:
        response = FileResponse(attachment.path.open("rb"), content_type=attachment.content_type)
    except FileNotFoundError:
        text = "ファイルが保管場所に見つかりません。システムの管理者に連絡してください。"
        return HttpResponse(text, status=500, content_type="text/plain; charset=utf-8")
    return as_download(response, attachment.name)


def as_download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """Mark any response as a download called `name` (RFC 6266 / 5987, with an ASCII name for old gateways)."""
    name = clean_file_name(name)
    ascii_name = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in name)
    response["Content-Disposition"] = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response
