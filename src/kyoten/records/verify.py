"""Finding what was changed, removed or reordered behind the application's back. Reads only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from kyoten.records import chain, files
from kyoten.records.actions import ERASE_NOTE
from kyoten.records.models import Attachment, Event, EventNote, Head, Seal

CHUNK = 500
BLOCK = 1024 * 1024  # bytes read at a time


@dataclass
class Report:
    """What was looked at, and every fault found as a Japanese sentence."""

    faults: list[str] = field(default_factory=list)
    heads: int = 0
    events: int = 0
    seals: int = 0
    files: int = 0
    newest_seal: Seal | None = None


def verify(expected_seal: str = "") -> Report:
    """Check every chain, head, note, seal and file. `expected_seal` is the digest somebody noted outside."""
    report = Report()
    heads = Head.objects.in_bulk()
    report.heads = len(heads)
    seen = set()
    for head_id, events in groupby(_events(), key=lambda event: event.head_id):
        seen.add(head_id)
        if head_id in heads:
            report.events += _check_chain(heads[head_id], list(events), report.faults)
        else:
            report.faults.append(f"経過 {sum(1 for _ in events)}件の属する記録の先頭行（{head_id}）がありません。")
    for head in heads.values():
        if head.id not in seen:
            report.faults.append(f"{_name(head)}: 経過がすべて失われています（{head.seq}件あるはずです）。")
    _check_seals(heads, report)
    if expected_seal and not Seal.objects.filter(digest=expected_seal).exists():
        report.faults.append(
            f"控えの封印 {expected_seal} が見つかりません。封印が書き換えられたか、取り除かれています。"
        )
    _check_files(report)
    return report


def _events() -> Iterator[Event]:
    rows = Event.objects.select_related("note_row").order_by("head_id", "seq", "id")
    return rows.iterator(chunk_size=2000)


def _name(head: Head) -> str:
    return f"記録 {head.kind} {head.record_id}"


def _check_chain(head: Head, events: Sequence[Event], faults: list[str]) -> int:
    """The links of one record, then its head and its notes. Returns the number of events."""
    previous = chain.START
    for expected, event in enumerate(events, start=1):
        where = f"{_name(head)} の{event.seq}件目"
        if event.seq != expected:
            faults.append(
                f"{where}: 経過の番号がつながりません（{expected}件目のはずです）。取り除きか並べ替えの疑いがあります。"
            )
            break
        if event.previous != previous:
            faults.append(f"{where}: 前の経過とつながりません。")
        if event.digest != chain.event_digest(head.kind, head.record_id, event):
            faults.append(f"{where}: 内容が書き換えられています。")
        previous = event.digest
    last = events[-1]
    if (head.seq, head.digest) != (last.seq, last.digest):
        faults.append(f"{_name(head)}: 最後の経過（{last.seq}件目）が先頭行の控え（{head.seq}件目）と一致しません。")
    _check_notes(head, events, faults)
    return len(events)


def _check_notes(head: Head, events: Sequence[Event], faults: list[str]) -> None:
    erased = {_erased_seq(event) for event in events if event.act == ERASE_NOTE}
    for event in events:
        fault = _note_fault(event, getattr(event, "note_row", None), event.seq in erased)
        if fault:
            faults.append(f"{_name(head)} の{event.seq}件目: {fault}")


def _erased_seq(event: Event) -> int | None:
    try:
        return event.facts.get("seq")
    except (ValueError, AttributeError):  # tampered facts: reported as changed content already
        return None


def _note_fault(event: Event, note: EventNote | None, erased: bool) -> str:
    if not event.note_digest:
        return "後から記載が書き加えられています。" if note else ""
    if note is None:
        return "記載の行が失われています。"
    if erased:
        return "消去したはずの記載に内容があります。" if note.text else ""
    if note.erased_at:
        return "記載が、消去の経過がないのに消されています。"
    if event.note_digest != chain.note_digest(note.salt, note.text):
        return "記載が書き換えられています。"
    return ""


def _check_seals(heads: dict[int, Head], report: Report) -> None:
    sealed: dict[tuple[str, int], int] = {}
    previous, number = chain.START, 0
    for seal in Seal.objects.order_by("number").iterator(chunk_size=100):
        number += 1
        if seal.number != number:
            report.faults.append(f"封印 {number}番から{seal.number - 1}番までが取り除かれています。")
            number = seal.number
        elif seal.previous != previous:
            report.faults.append(f"封印 {seal.number}番: 前の封印とつながりません。")
        if seal.digest != chain.seal_digest(seal.number, seal.at, seal.heads_text, seal.previous):
            report.faults.append(f"封印 {seal.number}番: 内容が書き換えられています。")
        _check_sealed_heads(seal, sealed, report.faults)
        previous, report.newest_seal = seal.digest, seal
        report.seals += 1
    for head in heads.values():
        if head.sealed_seq != sealed.get((head.kind, head.record_id), 0):
            report.faults.append(
                f"{_name(head)}: {head.sealed_seq}件目までの封印が見つかりません。封印が取り除かれています。"
            )


def _check_sealed_heads(seal: Seal, sealed: dict[tuple[str, int], int], faults: list[str]) -> None:
    """Every head the seal names must still be there as it was."""
    lines = [_parse(line) for line in seal.heads_text.splitlines()]
    for start in range(0, len(lines), CHUNK):
        part = lines[start : start + CHUNK]
        there = _digests(part)
        for kind, record_id, seq, digest in part:
            sealed[kind, record_id] = seq
            if there.get((kind, record_id, seq)) != digest:
                faults.append(f"記録 {kind} {record_id} の{seq}件目: 封印 {seal.number}番の時点の経過がありません。")


def _parse(line: str) -> tuple[str, int, int, str]:
    kind, record_id, seq, digest = line.rsplit(" ", 3)
    return kind, int(record_id), int(seq), digest


def _digests(lines: Sequence[tuple[str, int, int, str]]) -> dict[tuple[str, int, int], str]:
    rows = Event.objects.filter(head__record_id__in={line[1] for line in lines}, seq__in={line[2] for line in lines})
    values = rows.order_by("id").values_list("head__kind", "head__record_id", "seq", "digest")
    return {(kind, record_id, seq): digest for kind, record_id, seq, digest in values}


def _check_files(report: Report) -> None:
    rows = Attachment.objects.order_by("sha256").values_list("sha256", "name").iterator(chunk_size=2000)
    for digest, names in groupby(rows, key=lambda row: row[0]):
        report.files += 1
        fault = _file_fault(digest)
        if fault:
            report.faults.append(f"ファイル「{next(names)[1]}」（{digest}）: {fault}")


def _file_fault(digest: str) -> str:
    try:
        return "" if _sha256_of_file(digest) == digest else "内容が書き換えられているか、壊れています。"
    except FileNotFoundError:
        return "保管場所にありません。"
    except OSError as error:
        return f"読めません（{error.strerror}）。"


def _sha256_of_file(digest: str) -> str:
    found = hashlib.sha256()
    with files.path_of(digest).open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()
