"""Official letters (通知・依頼・照会・回答・送付 and 事務連絡), PDF or Word, in the order offices write them:

文書番号・日付（右）／宛名（左）／発信者（右）／件名（中央）／前文・さて・つきましては／記（中央）・項目・以上（右）／【連絡先】
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal, assert_never

from kyoten.papers.pdf import Paper, Part, render
from kyoten.papers.word import PAGE_WIDTH, Cell, Element, TableRow, paragraph, run, table
from kyoten.papers.word_file import WordFile, word_file
from kyoten.rules.wareki import wareki

INFORMAL = "事　務　連　絡"  # stands in place of the number; such a letter has no seal
NO_NUMBER = "第　　　　　号"  # to be filled in after 決裁
NO_DATE = "令和　　年　　月　　日"
SEAL_OMITTED = "（公印省略）"
_SHORT = 10  # characters, of the title of an item
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True)
class Item:
    """One item below 記: 「１　提出期限　令和7年7月24日（木）」. Without text the title is the item."""

    title: str
    text: str = ""


@dataclass(frozen=True)
class Letter:
    """What a letter says. Addressees carry their 敬称 (御中・様・殿・各位); `shared_honorific` stands once behind several.

    `nature` (通知, 依頼, 回答 …) follows the subject in brackets. No date and no number: blanks to be filled in
    after 決裁. `informal` makes it a 事務連絡. Subject, paragraphs and items may hold line breaks.
    """

    subject: str
    addressees: tuple[str, ...]
    sender: tuple[str, ...]
    paragraphs: tuple[str, ...]
    number: str = ""
    dated: date | None = None
    nature: str = ""
    shared_honorific: str = ""
    informal: bool = False
    seal_omitted: bool = True
    items: tuple[Item, ...] = ()
    contact: tuple[str, ...] = ()
    enclosures: tuple[str, ...] = ()

    @property
    def heads(self) -> tuple[str, str]:
        """The two lines at the top right: number (or 事務連絡) and date."""
        number = INFORMAL if self.informal else self.number or NO_NUMBER
        return number, wareki(self.dated) if self.dated else NO_DATE

    @property
    def full_subject(self) -> str:
        return f"{self.subject}（{self.nature}）" if self.nature else self.subject

    @property
    def title(self) -> str:
        """The subject on one line."""
        return self.full_subject.replace("\n", "")

    @property
    def seal(self) -> str:
        return SEAL_OMITTED if self.seal_omitted and not self.informal else ""

    @property
    def indented(self) -> tuple[str, ...]:
        """The paragraphs without a blank at their beginning, which the layout adds itself."""
        return tuple(text.strip(" 　\n") for text in self.paragraphs)

    @property
    def numbered_items(self) -> tuple[tuple[str, str, str], ...]:
        """(number, title, text); a single item has no number."""
        several = len(self.items) > 1
        return tuple(
            (str(place).translate(_FULL_WIDTH) if several else "", item.title, item.text)
            for place, item in enumerate(self.items, start=1)
        )

    @property
    def aligned(self) -> bool:
        """Whether the texts of the items stand beside their titles, all at one edge."""
        return all(item.text and len(item.title) <= _SHORT for item in self.items)


def write_letter(letter: Letter, kind: Literal["pdf", "docx"]) -> bytes:
    """The letter on A4."""
    match kind:
        case "pdf":
            return render(Paper(letter.title, [letter_part(letter)]))
        case "docx":
            return word_file(WordFile(letter.title, list(_body(letter)), size=_SIZE, line=_LINE))
        case _:
            assert_never(kind)


def letter_part(letter: Letter) -> Part:
    """The letter as a part of a PDF paper."""
    return {
        **asdict(letter),
        "kind": "letter",
        "dated": None,
        "heads": letter.heads,
        "subject": letter.full_subject,
        "seal": letter.seal,
        "paragraphs": letter.indented,
        "items": letter.numbered_items,
        "aligned": letter.aligned,
    }


# ---- Word ---------------------------------------------------------------------------------------

_SIZE, _LINE = 11, 19  # points
_EM = _SIZE * 25.4 / 72  # mm, one full-width character


def _body(letter: Letter) -> Iterator[Element]:
    yield from (paragraph(run(line), align="right") for line in letter.heads)
    yield paragraph()
    yield from _addressees(letter)
    yield paragraph()
    yield from (paragraph(run(line), align="right") for line in (*letter.sender, letter.seal) if line)
    yield paragraph(run(letter.full_subject), style="Title", indent=5 * _EM, right=5 * _EM)
    yield from (paragraph(run(text), align="both", first_line=_EM) for text in letter.indented)
    if letter.items:
        yield from _record(letter)
    if letter.enclosures:
        yield paragraph(run("（添付資料）"), before=14)
        yield from (paragraph(run(f"・{line}"), indent=_EM, hanging=_EM) for line in letter.enclosures)
    if letter.contact:
        yield paragraph(run("【連絡先】"), before=20, indent=PAGE_WIDTH / 2)
        yield from (paragraph(run(line), indent=PAGE_WIDTH / 2 + _EM) for line in letter.contact)


def _addressees(letter: Letter) -> Iterator[Element]:
    lines = [paragraph(run(line), indent=_EM) for line in letter.addressees]
    if letter.shared_honorific:
        widths = (_EM * (max(map(len, letter.addressees)) + 3), _EM * 4)
        cells = (Cell(tuple(lines)), Cell((paragraph(run(letter.shared_honorific)),)))
        yield table(widths, [TableRow(cells, whole=False)], lines=False)
    else:
        yield from lines


def _record(letter: Letter) -> Iterator[Element]:
    """記 … 以上."""
    yield paragraph(run("記"), align="center", before=10)
    yield paragraph()
    if letter.aligned:
        yield _aligned_items(letter)
    else:
        yield from _stacked_items(letter)
    yield paragraph(run("以上"), align="right", before=6)


def _aligned_items(letter: Letter) -> Element:
    title_width = _EM * (max(len(item.title) for item in letter.items) + 2)
    widths = (2 * _EM, title_width, PAGE_WIDTH - 2 * _EM - title_width)
    rows = (tuple(Cell((paragraph(run(text)),), top=True) for text in item) for item in letter.numbered_items)
    return table(widths, [TableRow(cells) for cells in rows], lines=False)


def _stacked_items(letter: Letter) -> Iterator[Element]:
    for number, title, text in letter.numbered_items:
        lead = f"{number}　{title}" if number else title
        yield paragraph(run(lead), indent=2 * _EM, hanging=2 * _EM)
        if text:
            yield paragraph(run(text), indent=3 * _EM)
