"""What the address list knows about a mail, for pages of the post office, which is below it."""

from __future__ import annotations

from django import template
from django.db.models import Q
from django.utils import timezone

from kyoten.inquiries.models import Addressee
from kyoten.organisations.models import Section
from kyoten.post.models import OutboundMail

register = template.Library()


@register.simple_tag(takes_context=True)
def sections_to_mend(context: template.Context, mail: OutboundMail) -> list[Section]:
    """The sections a mail was for, where this seat may correct their address: by the address, or by the case."""
    request = context["request"]
    meant = Q(email__iexact=mail.to)
    if mail.about_kind == "addressee":
        meant |= Q(pk__in=Addressee.objects.filter(pk=mail.about_id).values("section"))
    today = timezone.localdate(request.at)
    sections = Section.objects.editable_by(request.seat, today).valid_on(today).filter(meant)
    return list(sections.select_related("organisation").order_by("organisation__code", "pk"))
