"""The rules of the house, as far as a machine can see them (layers, style and types: `./kyoten test`)."""

import os
import re
import tomllib
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src/kyoten"
BINARY = {".png", ".ico", ".woff2", ".docx", ".xlsx", ".pdf", ".xls", ".doc", ".docm", ".eml", ".bin"}
TEMPLATES = sorted(SOURCE.glob("**/templates/**/*.html"))
WHOLE_PAGES = {
    "base.html",
    "400.html",
    "403.html",
    "404.html",
    "500.html",
}  # errors must not need what may just have failed
CALLED_BY_LIBRARIES = ("400.html", "403.html", "404.html", "500.html", "account/", "mfa/", "allauth/")


def files() -> list[Path]:
    """Every text file but what .gitignore leaves out; without git, which a download as zip file comes without."""
    left_out = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split())]

    def belongs(name: str) -> bool:
        return not any(fnmatch(name, pattern) for pattern in left_out)

    listed = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = filter(belongs, folders)
        listed += [path for name in filter(belongs, names) if (path := Path(folder, name)).suffix not in BINARY]
    return sorted(listed)


def found(pattern: str, paths: list[Path], *, flags: int = 0, allowed: str = "") -> list[str]:
    """`file:line: what` for every match of the pattern that `allowed` does not match as a whole."""
    wanted, fine = re.compile(pattern, flags), re.compile(allowed) if allowed else None
    return [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for match in wanted.finditer(line)
        if not (fine and fine.fullmatch(match[0]))
    ]


def test_no_file_names_a_folder_of_one_machine_or_a_package_host():
    parts = [
        "/" + "work/",
        "/" + "home/[a-z]",
        "/" + "root/",
        "files.python" + "hosted",
        "pypi" + r"\.org",
        "--index" + "-url",
    ]
    assert found("|".join(parts), files()) == []


def test_nothing_is_left_for_later_without_saying_where():
    words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    assert found(rf"\b({'|'.join(words)})\b", files()) == []


def test_mail_addresses_are_made_up():
    # Addresses of the documents are replaced as well: a demonstration must never be able to write to a real office.
    address = r"(?<![\w.+-])[\w.+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b"
    assert found(address, files(), allowed=r".+@([\w-]+\.)*(-?ex-?ample\.jp|example|invalid|test)") == []


def test_telephone_numbers_are_made_up():
    number = r"(?<![\d-])0\d{1,3}-\d{1,4}-\d{4}(?![\d-])"
    assert found(number, files(), allowed=r".*-(\d)\1{3}|.*-0{2,4}-\d{4}|000-.*") == []


def test_templates_hold_no_style_no_script_and_no_handler():
    inline = (
        r"\sstyle\s*=|<style\b|<script(?![^>]*\s(?:src=|type=\"application/json\"))|\son[a-z]+\s*=\s*[\"']|javascript:"
    )
    assert found(inline, TEMPLATES, flags=re.IGNORECASE) == []


def test_templates_load_nothing_from_elsewhere():
    assert found(r"(?:src|action|srcset)\s*=\s*[\"']?\s*(?:https?:)?//[^\"'\s>]+", TEMPLATES) == []
    styles = sorted(SOURCE.glob("**/static/**/*.css"))
    assert found(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//[^\"')\s]+", styles) == []


def test_no_template_writes_into_a_text_before_the_person_does():
    before = re.compile(r"<textarea[^>]*>(?:\n\s|[^\S\n])")  # the first line end is the browser's own
    assert [path.name for path in TEMPLATES if before.search(path.read_text("utf-8"))] == []


def test_every_page_is_built_on_the_base():
    assert {path.name for path in TEMPLATES if "<html" in path.read_text("utf-8")} == WHOLE_PAGES


def test_no_template_is_left_over():
    texts = {path: path.read_text("utf-8") for path in [*SOURCE.glob("**/*.py"), *TEMPLATES]}
    names = {path: path.as_posix().rpartition("/templates/")[2] for path in TEMPLATES}
    ours = {path: name for path, name in names.items() if not name.startswith(CALLED_BY_LIBRARIES)}
    assert [
        name for path, name in ours.items() if not any(name in text for at, text in texts.items() if at != path)
    ] == []


def test_rules_and_papers_are_told_the_time():
    pure = [*SOURCE.glob("rules/**/*.py"), *SOURCE.glob("papers/**/*.py")]
    assert found(r"\b(?:now|today|utcnow|localtime|time\.time)\(", pure) == []


def test_every_lock_line_carries_hashes():
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text("utf-8")
        blocks = re.split(r"\n(?=\S)", text.strip())
        assert [block for block in blocks if not re.match(r"[\w.-]+==\S+ \\\n\s+--hash=sha256:", block)] == []


@pytest.mark.parametrize("stem", ["requirements", "requirements-dev"])
def test_what_is_asked_for_is_locked_and_explained(stem):
    names = re.findall(r"^([A-Za-z][\w.-]*)", (ROOT / f"{stem}.in").read_text("utf-8"), re.MULTILINE)
    locked = re.findall(r"^([\w.-]+)==", (ROOT / f"{stem}.txt").read_text("utf-8"), re.MULTILINE)
    assert sorted(name.lower() for name in names if name.lower() not in locked) == []
    decision = (ROOT / "docs/decisions/0001-parts.md").read_text("utf-8").lower()
    assert [name for name in names if f"`{name.lower()}" not in decision] == []


def imported_packages() -> set[str]:
    pattern = re.compile(r"^\s*(?:import|from) (\w+)", re.MULTILINE)
    found = {name for path in SOURCE.glob("**/*.py") for name in pattern.findall(path.read_text("utf-8"))}
    return found - {"pydantic_core"}  # pydantic's own, in the version it names


def test_what_is_imported_is_asked_for():
    names = re.findall(r"^([A-Za-z][\w.-]*)", (ROOT / "requirements.in").read_text("utf-8"), re.MULTILINE)
    asked_for = {normal(name) for name in names}
    installed = packages_distributions()
    wanted = {name: {normal(made) for made in installed[name]} for name in imported_packages() if name in installed}
    assert {name: made for name, made in wanted.items() if not made & asked_for} == {}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def own_commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if str(app).startswith("kyoten."))


@pytest.mark.parametrize("name", own_commands())
def test_every_command_says_what_it_does_and_stands_in_the_manual(name):
    command = load_command_class(get_commands()[name], name)
    assert command.help
    manual = "".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    assert name in manual


def test_the_layers_name_every_app():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    layers = {name.strip() for layer in contracts[0]["layers"] for name in layer.split("|")}  # a | b: side by side
    assert layers == packages
    assert {f"kyoten.{path.parent.name}" for path in SOURCE.glob("*/models*")} - {"kyoten.web"} <= set(
        contracts[1]["containers"]
    )


def test_django_finds_nothing_to_complain_about(settings):
    settings.SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # locking by address would lock out a whole prefecture
    call_command("check", fail_level="WARNING")


@pytest.mark.django_db
def test_every_change_of_a_table_has_its_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
