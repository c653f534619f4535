"""A mail's files as downloads. Who may have them, and what is logged, is said by the view that asks."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase

from kyoten.post.inbox import enclosed
from kyoten.post.models import InboundMail
from kyoten.records.names import content_type_of
from kyoten.records.views import as_download, download


def download_part(mail: InboundMail, number: int) -> HttpResponseBase:
    """The file of this number, from 1 as the mail has them; 0 is the mail itself as it came. 404 where there is none."""
    if number == 0:
        return download(mail.original)
    files = enclosed(mail)
    if number > len(files):
        raise Http404
    file = files[number - 1]
    return as_download(HttpResponse(file.data, content_type=content_type_of(file.name)), file.name)
