"""A filled form comes back: from a Word or Excel file to answers, with a note for everything not understood.

Our own Word files are read by their content controls, exactly. Any other paper is read by the labels of the
official form. Nothing on the paper is dropped in silence: what has no place becomes a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, groupby, zip_longest
from typing import Any, Literal

from kyoten.papers import guard
from kyoten.papers.embedded import embedded
from kyoten.papers.guard import Refusal
from kyoten.papers.reading_blocks import SHAPE, Cell, Paper, TooLong
from kyoten.papers.reading_docx import Unreadable, read_docx
from kyoten.papers.reading_labels import Match, Target, Wording, heads_a_value, key, match, targets
from kyoten.papers.reading_lines import GridRow, Line, Lines, lines_of
from kyoten.papers.reading_values import Value, address, choice, is_marked, marks, option_of, plain, written
from kyoten.papers.reading_xlsx import read_xlsx
from kyoten.rules.answers import Answers, clean, is_blank, problems
from kyoten.rules.definition import Field, Form, Section
from kyoten.rules.text import clean_line

ORIGINAL = Refusal(
    "original", "PDF や画像は自動で読み取れません。原本として保存し、内容は申込書の画面で入力してください。"
)
NO_FORM = Refusal("type", "Word（.docx）または Excel（.xlsx）の申込書をお送りください。")
TOO_LONG = Refusal("size", "申込書としては文章が長すぎます。申込書だけのファイルにして、もう一度お送りください。")
MAX_NOTES = 300  # what is beyond stands together in one
_LONG = 400  # characters of unread text quoted in a sentence; `raw` has it whole

Anchor = tuple[Line, Target, Match]


@dataclass(frozen=True)
class Note:
    """What a person should look at. `field` and `row` are "" where no field is meant; `raw` is the text as written."""

    field: str
    row: str
    text: str
    level: Literal["info", "warn"]
    where: str
    raw: str = ""


@dataclass(frozen=True)
class Source:
    """Where an answer stood on the paper (「表2 3行目」) and what was written there."""

    where: str
    raw: str


@dataclass(frozen=True)
class Reading:
    """`source` is by field id, for the rows of a table by 「field id/row id」. A refused file has no answers."""

    answers: Answers
    notes: tuple[Note, ...] = ()
    refused: Refusal | None = None
    source: Mapping[str, Source] = field(default_factory=dict)


def read_form(form: Form, data: bytes, filename: str) -> Reading:
    """Read a filled form. Never raises: a file that cannot be read is a Reading with `refused`."""
    found = guard.inspect(data, filename)
    if isinstance(found, Refusal):
        return Reading({}, refused=found)
    if found.kind in ("pdf", "image"):
        return Reading({}, refused=ORIGINAL)
    if found.kind == "text":
        return Reading({}, refused=NO_FORM)
    try:
        paper = read_docx(found) if found.kind == "docx" else read_xlsx(found)
        return _Reader(form, paper, _unseen_rows(found)).read()
    except Unreadable:
        return Reading({}, refused=guard.BROKEN)
    except TooLong:
        return Reading({}, refused=TOO_LONG)


def _unseen_rows(found: guard.Accepted) -> dict[str, dict[str, Any]]:
    """What our own Word file remembers of its rows: {field: {row id: row}}."""
    if found.kind != "docx":
        return {}
    parts = (guard.read_part(found, name) for name in guard.part_names(found) if name.startswith("customxml/item"))
    memory = next((memory for part in parts if part and (memory := embedded(part))), None)
    answers = memory.answers if memory else {}
    return {
        name: {str(row.get("row")): row for row in rows if isinstance(row, dict)}
        for name, rows in answers.items()
        if isinstance(rows, list)
    }


class _Reader:
    def __init__(self, form: Form, paper: Paper, unseen: Mapping[str, Mapping[str, Any]]) -> None:
        self.form = form
        self.unseen = unseen
        self.paper = paper
        self.found: Lines = lines_of(paper, form)
        self.wording = Wording(form)
        self.raw: dict[str, Any] = {}
        self.source: dict[str, Source] = {}
        self.notes: list[Note] = []
        self.control_cells: dict[str, list[Cell | None]] = {}

    def read(self) -> Reading:
        self.read_controls()
        self.read_grids()
        self.read_labels()
        answers = clean(self.form, self.raw)
        self.note_problems(answers)
        self.note_missing()
        self.note_unread()
        self.note_asides()
        return Reading(answers, at_most(self.notes), None, self.source)

    def note(
        self, level: Literal["info", "warn"], text: str, where: str, *, field: str = "", row: str = "", raw: str = ""
    ) -> None:
        self.notes.append(Note(field, row, text, level, where, raw))

    # ---- our own controls ----

    def read_controls(self) -> None:
        fields = {each.id: each for each in self.form.fields()}
        seen: dict[str, str] = {}
        for control in self.found.tagged:
            name, _, part = control.value.partition("/")
            if name not in fields or fields[name].kind == "table":
                self.unread(control.text, control.where)
            elif seen.setdefault(control.value, control.text) != control.text:
                self.unread(control.text, control.where, name)  # a control copied inside Word
            else:
                self.put(fields[name], part, control.text, control.where)
                self.control_cells.setdefault(name, []).append(control.cell)

    def put(self, into: Field, part: str, text: str, where: str) -> None:
        if into.kind == "address":
            self.raw.setdefault(into.id, {"postal": "", "text": ""})[part or "text"] = text
        elif into.kind == "marks":
            chosen = self.raw.setdefault(into.id, [])
            chosen += [part] if is_marked(text) else []
        else:
            self.raw[into.id] = option_of(text, into.options) if into.kind == "choice" else text
        before = self.source.get(into.id)
        raw = f"{before.raw} {text}" if before else text
        self.source[into.id] = Source(before.where if before else where, raw)

    # ---- tables ----

    def read_grids(self) -> None:
        for field_id, rows in self.found.grids.items():
            into = self.form.field(field_id)
            remembered = dict(self.unseen.get(field_id, {}))
            ids = [row.row_id or _same_row(into, row, remembered) for row in rows]
            names = (name for name in map("r{}".format, count(1)) if name not in ids)
            self.raw[field_id] = []
            self.source[field_id] = Source(self.found.grid_places[field_id], f"{len(rows)}行")
            for row, row_id in zip(rows, ids, strict=True):
                self.read_row(into, row, row_id or next(names))
            self.note_others(into, rows)

    def read_row(self, into: Field, row: GridRow, row_id: str) -> None:
        written = [text for text in row.cells.values() if text.strip()]
        if written:
            known = {column.id for column in into.columns if not column.print}
            unseen = self.unseen.get(into.id, {}).get(row_id, {})
            hidden = {name: value for name, value in {**unseen, **dict(row.hidden)}.items() if name in known}
            self.raw[into.id].append({"row": row_id, **row.cells, **hidden})
            self.source[f"{into.id}/{row_id}"] = Source(row.where, " ／ ".join(written))

    def note_others(self, into: Field, rows: list[GridRow]) -> None:
        """Columns the form does not have (備考, 氏名), one note each; text under no column at all, one by one."""
        columns: dict[str, list[tuple[str, str]]] = {}
        for row in rows:
            for heading, text in row.others:
                columns.setdefault(heading, []).append((row.where, text))
        for where, text in columns.pop("", []):
            self.unread(text, where, into.id)
        for heading, texts in columns.items():
            raw = "\n".join(text for _, text in texts)
            said = f"「{heading}」の列は様式にないため、読み取っていません（{len(texts)}行）。"
            self.note("warn", said, texts[0][0], field=into.id, raw=raw)

    # ---- labels ----

    def read_labels(self) -> None:
        anchors = self.anchors()
        end = self.end(anchors)
        for (line, target, found), following in zip_longest(anchors, anchors[1:]):
            line.used = True
            stop = following[0].number if following else end
            region = [each for each in self.found.lines[line.number + 1 : stop] if not each.used]
            self.skip_rest_of_heading(line, target, region)
            region = [each for each in region if not self.wording.is_instruction(each.text)]
            self.read_region(line, target, found.rest, region)

    def anchors(self) -> list[Anchor]:
        """For every target the line that is most surely its label, in reading order."""
        wanted = tuple(targets(self.form))
        last = self.start()
        labels: dict[int, list[Anchor]] = {place: [] for place in range(len(wanted))}
        for line in self.found.lines[last:]:
            for place, target in enumerate(wanted):
                if found := self.match(line, target):
                    labels[place].append((line, target, found))
        chosen: dict[int, Anchor] = {}
        for candidates in labels.values():
            free = [each for each in candidates if each[0].number not in chosen]
            if free:
                best = max(free, key=lambda each: (each[2].score, each[0].number >= last, -each[0].number))
                chosen[best[0].number] = best
                last = max(last, best[0].number)
        return [anchor for _, anchor in sorted(chosen.items())]

    def match(self, line: Line, target: Target) -> Match | None:
        return match(
            line.text,
            target,
            fills_cell=line.fills_cell,
            starts_cell=line.starts_cell,
            in_cell=line.cell is not None,
        )

    def start(self) -> int:
        """The form begins at its title: a 公募要領 in the same file names the same things before."""
        title = key(self.form.title)
        return next((line.number + 1 for line in reversed(self.found.lines) if key(line.text) == title), 0)

    def end(self, anchors: list[Anchor]) -> int:
        """以上, on a line of its own after everything else."""
        last = anchors[-1][0].number if anchors else 0
        closing = key(self.form.closing)
        for line in reversed(self.found.lines[last + 1 :]):
            if closing and key(line.text) == closing and (line.cell is None or line.fills_cell):
                line.used = True
                return line.number
        return len(self.found.lines)

    def skip_rest_of_heading(self, line: Line, target: Target, region: list[Line]) -> None:
        """A long heading runs over several lines of the paper."""
        whole, seen = key(target.section.title), key(line.text)
        for following in region:
            more = key(following.text)
            if not whole.startswith(seen) or not more or not whole.startswith(seen + more):
                return
            following.used = True
            seen += more

    def read_region(self, anchor: Line, target: Target, rest: str, region: list[Line]) -> None:
        region = [line for line in region if not line.used]
        into = target.field
        if into is None or into.kind == "table" or into.id in self.raw:
            self.unread(rest, anchor.where, into.id if into else "")
            if into and into.kind != "table":
                self.add_strays(into, anchor, target.section, region)
            return
        if into.kind in ("longtext", "marks"):
            lines = region
        else:
            lines = _near(anchor, rest, region, into)
        self.take(into, anchor, lines, self.value(into, target.section, anchor, rest, lines))

    def value(self, into: Field, section: Section, anchor: Line, rest: str, lines: list[Line]) -> Value:
        match into.kind:
            case "longtext":
                return Value(written([Line(rest, anchor.where, anchor.number), *lines]) if rest else written(lines))
            case "marks":
                head = [Line(rest, anchor.where, anchor.number)] if rest else []
                return self.marks(into, section, [*head, *lines])
            case "choice":
                return choice(into, rest, lines)
            case "address":
                return address(rest, lines)
            case _:
                return plain(into, rest, lines)

    def marks(self, into: Field, section: Section, lines: list[Line]) -> Value:
        """The items, and the details written around them (地域の課題: one frame for both)."""
        value = marks(into, lines)
        details = [each for each in section.fields if each.kind == "longtext" and each.id not in self.raw]
        if heads_a_value(section) and details:
            own = [section.title, *section.note.splitlines(), *(each.label for each in section.fields)]
            text = [line for line in value.left if not line.text.strip() or key(line.text) not in map(key, own)]
            self.raw[details[0].id] = written(text)
            where = next((line.where for line in text if line.text.strip()), "")
            self.source[details[0].id] = Source(where or lines[0].where if lines else "", written(text))
            value.left = []
        return value

    def take(self, into: Field, anchor: Line, lines: list[Line], value: Value) -> None:
        self.raw[into.id] = value.raw
        where = next((line.where for line in lines if line.text.strip()), anchor.where)
        own = [line for line in lines if line not in value.left]
        self.source[into.id] = Source(where, written(own) or anchor.text)
        for line in own:
            line.used = True
        for doubt in value.doubts:
            self.note("warn", f"「{into.label}」：{doubt}", where, field=into.id, raw=written(own))

    # ---- text typed into our own file beside a control ----

    def add_strays(self, into: Field, anchor: Line, section: Section, region: list[Line]) -> None:
        """An empty control is hard to hit in Word: what stands beside it in its cell belongs to the answer."""
        if into.kind == "marks":
            region = self.add_marks(into, region)
            into = next((each for each in section.fields if each.kind == "longtext"), into)
        cells = self.control_cells.get(into.id, [])
        strays = [
            line for line in region if line.cell in cells and line.text.strip() and not self.wording.knows(line.text)
        ]
        if strays and into.kind != "marks":
            self.add_text(into, section, anchor, strays)

    def add_text(self, into: Field, section: Section, anchor: Line, strays: list[Line]) -> None:
        """Told only where the control held something too: alone, it is the answer beyond doubt."""
        text, doubtful = written(strays), not is_blank(into, self.raw[into.id])
        self.raw[into.id] = self.with_stray(into, section, anchor, strays)
        if doubtful:
            self.note(
                "info", f"「{into.label}」の記入枠の外に書かれた文字も、回答に含めました：「{text[:_LONG]}」",
                strays[0].where, field=into.id, raw=text,
            )  # fmt: skip
        for line in strays:
            line.used = True

    def with_stray(self, into: Field, section: Section, anchor: Line, strays: list[Line]) -> Any:
        before = self.raw[into.id]
        if is_blank(into, before):
            return self.value(into, section, anchor, "", strays).raw
        if into.kind == "address":
            return {**before, "text": f"{before['text']} {written(strays)}".strip()}
        return f"{before}\n{written(strays)}"

    def add_marks(self, into: Field, region: list[Line]) -> list[Line]:
        """Marks beside the controls count. Returns the lines that are no marks."""
        value = marks(into, region)
        more = [each for each in value.raw if each not in self.raw[into.id]]
        for line in region:
            line.used = line.used or line not in value.left
        if more and self.raw[into.id]:
            self.note(
                "info",
                f"「{into.label}」の記入枠の外に付けられた印も、回答に含めました。",
                region[0].where,
                field=into.id,
            )
        self.raw[into.id] += more
        return value.left

    # ---- what a person should look at ----

    def unread(self, text: str, where: str, field: str = "") -> None:
        if text.strip():
            short = text.strip() if len(text) <= _LONG else text.strip()[:_LONG] + "…"
            self.note("warn", f"読み取れなかった記載：「{short}」", where, field=field, raw=text.strip())

    def note_problems(self, answers: Answers) -> None:
        for problem in problems(self.form, answers):
            into = self.form.field(problem.field)
            if into.id in answers and not is_blank(into, answers[into.id]) and self.is_written(into, answers[into.id]):
                place = self.source.get(f"{into.id}/{problem.row}") or self.source.get(into.id)
                self.note(
                    "warn",
                    problem.text,
                    place.where if place else "",
                    field=into.id,
                    row=problem.row or "",
                    raw=place.raw if place else "",
                )

    def is_written(self, into: Field, value: Any) -> bool:
        """A half-filled address is the applicant's business, a text in place of a number is the reader's."""
        return into.kind != "address" or bool(value["text"])

    def note_missing(self) -> None:
        for each in self.form.fields():
            if each.print and each.id not in self.raw:
                self.note("warn", f"「{each.label}」の欄が見つかりませんでした。", "", field=each.id)

    def note_unread(self) -> None:
        rest = [line for line in self.found.lines if not line.used and self.says_something(line.text)]
        for (where, _), group in groupby(rest, key=lambda line: (line.where, id(line.cell))):
            self.unread("\n".join(line.text for line in group), where)

    def says_something(self, text: str) -> bool:
        word = key(text)
        return is_marked(text) if not word else not (self.wording.knows(text) or self.wording.begins_with(word))

    def note_asides(self) -> None:
        for aside in self.paper.asides:
            if aside.what == SHAPE:
                line = f"（「{aside.text[:40]}」の所）" if aside.text else ""
                said = f"図形や画像は読み取れません{line}。○印などを図形で付けている場合は、原本を確かめてください。"
                self.note("warn", said, aside.what, raw=aside.text)
            elif self.says_something(aside.text) and not aside.text.isdecimal():
                self.note(
                    "info", f"{aside.what}は読み取っていません：「{aside.text[:_LONG]}」", aside.what, raw=aside.text
                )


def _same_row(into: Field, row: GridRow, remembered: dict[str, Mapping[str, Any]]) -> str:
    """The row our own file remembers with the same visible cells: LibreOffice drops tags, but keeps that memory."""
    for row_id, before in remembered.items():
        if all(clean_line(text) == before.get(column) for column, text in row.cells.items()):
            del remembered[row_id]
            return row_id
    return ""


def at_most(notes: list[Note]) -> tuple[Note, ...]:
    """The notes a person can be asked to look at one by one; the rest in one note with all their texts."""
    more = notes[MAX_NOTES:]
    if not more:
        return tuple(notes)
    raw = "\n".join(note.raw for note in more if note.raw)
    text = f"ほかに{len(more)}か所、読み取れなかった記載があります。原本を確かめてください。"
    return (*notes[:MAX_NOTES], Note("", "", text, "warn", more[0].where, raw))


def _near(anchor: Line, rest: str, region: list[Line], into: Field) -> list[Line]:
    """The lines that can be the answer to a label of one line: its row, else the row or line below."""
    if anchor.cell is None or anchor.row is None:
        return list(_below(rest, region, into))
    last = anchor.row.number + anchor.cell.height - 1
    inside = [line for line in region if line.table is anchor.table and line.row and line.row.number <= last]
    if rest:
        return (
            inside if into.kind in ("address", "choice") else [line for line in inside if line.cell is not anchor.cell]
        )
    if any(line.text.strip() for line in inside):
        return inside
    return [line for line in region if line.table is anchor.table and line.row and line.row.number <= last + 1]


def _below(rest: str, region: list[Line], into: Field) -> Iterator[Line]:
    lines = iter(line for line in region if line.text.strip())
    longest = {"address": 3, "choice": 6}.get(into.kind, 1) - bool(rest)
    first = next(lines, None)
    if first is None or longest < 1:
        return
    yield first
    for line in lines:
        same_row = first.row is not None and line.row is first.row
        longest -= 0 if same_row else 1
        if longest < 1 or (line.row is not first.row and first.row is not None and into.kind != "choice"):
            return
        yield line
