"""Mails that tell a body what others did in its name."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from kyoten.calls.models import Application
from kyoten.calls.words import to_the_minute
from kyoten.inquiries.models import Addressee
from kyoten.organisations.models import Seat, Section
from kyoten.post.actions import send

CAME_BY = {"mail": "メール", "fax": "FAX", "post": "郵送・持参", "phone": "電話"}


def tell_of_proxy(application: Application, *, by: Seat, at: datetime) -> None:
    """代行入力の受付: whose form an officer typed in is told what was taken in, and where to see it."""
    section = _section_of_applicant(application)
    if section is None:
        return
    came_by = CAME_BY.get(Application.objects.values_list("proxy_source", flat=True).get(pk=application.pk), "書面")
    page = f"{settings.BASE_URL}{reverse('calls:application', args=[application.pk])}"
    send(
        to=[section.email],
        subject=f"【代行入力】{application.call.definition.call.title}（{application.number}）",
        text=f"{application.applicant}　{section.name}　御中\n\n"
        f"{came_by}で届いた{application.applicant}の申込書を、{by.section}が代わりに入力し、受け付けました。\n\n"
        f"応募地域名　{application.area_name}\n受付番号　{application.number}\n"
        f"受付日時　{to_the_minute(application.submitted_at)}\n\n"
        f"入力した内容と原本は、Kyotenにログインして御覧になれます。\n{page}\n\n"
        f"届いた申込書と違うところがあるときは、{by.section}"
        f"{f'（{by.section.phone}）' if by.section.phone else ''}へ御連絡ください。",
        at=at,
        key=f"proxy:{application.pk}:{application.version}:{at.isoformat()}",
        by=by.actor(),
        section_id=by.section_id,
        about=("application", application.pk),
    )


def _section_of_applicant(application: Application) -> Section | None:
    """The section in charge of the case, else the one the application names; None where no mail can reach it."""
    rows = Addressee.objects.filter(root=application.call.inquiry_id, organisation=application.applicant_id)
    row = rows.select_related("section").first()
    section = row.section if row else application.section
    return section if section.email and section.organisation_id == application.applicant_id else None
