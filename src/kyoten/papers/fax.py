"""FAX 回答票: a sheet for a body that answers on paper. Its number says which request it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kyoten.papers.pdf import Paper, render

ANSWERS = ("申込", "検討中", "該当なし")
BLANKS = ("機関名", "担当課・係", "担当者職・氏名", "電話番号", "E-mail")


@dataclass(frozen=True)
class FaxSheet:
    """`number` identifies the request; `reply_to` is the FAX number to send it back to, `due` a written moment."""

    number: str
    subject: str
    addressee: str
    sender: str
    reply_to: str
    due: str
    answers: Sequence[str] = ANSWERS
    blanks: Sequence[str] = BLANKS
    note: str = ""
    contact: Sequence[str] = ()


def write_fax_sheet(sheet: FaxSheet) -> bytes:
    """One page of A4, PDF: large signs and thick lines that survive a fax machine."""
    title = f"FAX回答票　{sheet.number}"
    return render(Paper(title, [{"kind": "fax", **asdict(sheet)}]))
