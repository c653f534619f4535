"""What an instance starts with: master data, the shipped definitions, the demo world or the first manager."""

from __future__ import annotations

import unicodedata
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from kyoten.organisations.actions.people import invite
from kyoten.organisations.master import load_master
from kyoten.organisations.models import Organisation, Section
from kyoten.post.models import OutboundMail
from kyoten.records.models import Refused
from kyoten.web import demo, shipped, world


class Command(BaseCommand):
    help = (
        "基本データと事業の定義を入れます。体験用の環境では、例の団体と利用者も入れます（何度実行しても同じ結果です）。"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--first-manager", metavar="氏名", help="最初の「管理」の方を招待する")
        parser.add_argument("--organisation", metavar="機関", help="その方の機関の名称（例: 千葉県）")
        parser.add_argument("--email", metavar="アドレス", help="その機関の課のメールアドレス（未登録のとき）")

    def handle(self, *args: object, **options: Any) -> None:
        if settings.DEMO:
            self.demo()
        else:
            self.instance(options)

    def demo(self) -> None:
        with transaction.atomic():
            if not world.exists():
                world.build(demo.START)
                demo.set_clock(demo.START)
        self.stdout.write(table(world.ACCOUNTS))
        self.stdout.write(
            f"\nパスワードはどれも {world.PASSWORD} です（ログインの画面では、押すだけでログインできます）。"
        )

    def instance(self, options: dict[str, Any]) -> None:
        if not Organisation.objects.filter(kind="municipality").exists():
            load_master()
            world.tell_the_planner()
        shipped.publish_all(by=None, at=timezone.localtime())
        if options["first_manager"]:
            self.first_manager(options["first_manager"], options["organisation"], options["email"])

    @transaction.atomic
    def first_manager(self, name: str, organisation: str | None, email: str | None) -> None:
        section = section_of(organisation, email)
        try:
            invitation = invite(section, role="manager", name=name, by=None, at=timezone.localtime())
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        mail = OutboundMail.objects.filter(to=section.email).order_by("-id")[0]
        link = next(line for line in mail.text.splitlines() if line.startswith("http"))
        self.stdout.write(
            f"{section} の「管理」に {invitation.name} さんを招待しました。次のリンクを本人に渡してください。\n\n  {link}\n"
        )


def section_of(organisation: str | None, email: str | None) -> Section:
    """The default section of a body; a secretariat that is in no official list is made on the way."""
    if not organisation:
        raise CommandError("--organisation に、機関の名称を書いてください（例: --organisation 千葉県）。")
    found = list(Organisation.objects.filter(name=organisation))
    if len(found) > 1:
        raise CommandError(f"「{organisation}」という機関が{len(found)}あります。連絡先の画面から招待してください。")
    body = found[0] if found else Organisation.objects.create(kind="secretariat", name=organisation)
    section = body.default_section(timezone.localdate()) or Section.objects.create(
        organisation=body, name="事務局", is_default=True
    )
    if email:
        section.email = email
        section.save()
    return section


def table(accounts: list[dict[str, str]]) -> str:
    """The accounts in columns; a full-width character is two cells wide."""
    rows = [("利用者ID", "氏名", "団体・課", "役割")]
    rows += [(a["username"], a["name"], f"{a['organisation']}　{a['section']}", a["role"]) for a in accounts]
    widths = [max(cells(row[n]) for row in rows) for n in range(4)]
    return "\n".join(
        "  ".join(text + " " * (widths[n] - cells(text)) for n, text in enumerate(row)).rstrip() for row in rows
    )


def cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)
