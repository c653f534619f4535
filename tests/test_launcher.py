"""./kyoten itself: the real launcher beside a stand-in for the product, so that starts, deaths and ends take no time.

A child inherits the launcher's output, so reading that to its end proves that no child is left.
"""

import ast
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).resolve().parents[1] / "kyoten"
SECONDS = 60  # far more than any of this takes
PRODUCT = """
import http.server, json, os, pathlib, signal, sys

command, data = sys.argv[1], pathlib.Path(os.environ["KYOTEN_DATA"])
(data / f"{command}.pid").write_text(str(os.getpid()))
if command == "prepare":
    print("体験用の利用者", os.environ["KYOTEN_BASE_URL"], os.environ.get("KYOTEN_DEMO", ""))
    sys.exit((data / "prepare-fails").exists())
elif command == "web":
    if (data / "web-fails").exists():
        sys.exit("web fails")
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[3])), http.server.SimpleHTTPRequestHandler).serve_forever()
elif command == "worker":
    print("worker", flush=True)
    if (data / "worker-fails").exists():
        sys.exit("worker fails")
    signal.pause()
else:
    names = ("KYOTEN_DATA", "SQLITE_TMPDIR", "PYTHONUTF8", "DJANGO_SETTINGS_MODULE")
    print(json.dumps({"words": sys.argv[1:], "cwd": os.getcwd(), **{name: os.environ.get(name) for name in names}}))
    sys.exit(7)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder (with a space in its name) that looks like the product: launcher, empty locks, src/kyoten."""
    folder = tmp_path_factory.mktemp("拠点 house")
    shutil.copy(LAUNCHER, folder)
    (folder / "requirements.txt").write_text("")
    (folder / "requirements-dev.txt").write_text("")
    (folder / "src/kyoten").mkdir(parents=True)
    (folder / "src/kyoten/__init__.py").write_text("")
    (folder / "src/kyoten/__main__.py").write_text(PRODUCT, "utf-8")
    return folder


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def environment(**more):
    return {name: value for name, value in os.environ.items() if not name.startswith(("KYOTEN_", "PYTHON"))} | more


def finished(home, *words, cwd=None, **more):
    """Run the launcher to its end: (exit code, output, complaint)."""
    command = [sys.executable, home / "kyoten", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, env=environment(**more), capture_output=True, timeout=SECONDS)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


@pytest.fixture
def started():
    """Starts the launcher and reads on until it says that it runs; whatever is left is ended afterwards."""
    processes = []

    def start(home, *words, until="Ctrl-C を押してください。"):
        command = [sys.executable, home / "kyoten", *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, env=environment(), encoding="utf-8", **pipes)
        processes.append(process)
        lines = []
        while not lines or until not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "".join(lines)
        return process, "".join(lines)

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=SECONDS)


def rest(process):
    """(what was still said, exit code), read until the launcher and all its children have ended."""
    output, _ = process.communicate(timeout=SECONDS)
    return output, process.returncode


@pytest.fixture
def launcher(home):
    """The launcher as a module, its root being the stand-in product."""
    loader = importlib.machinery.SourceFileLoader("launcher", str(home / "kyoten"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("launcher", loader))
    loader.exec_module(module)
    return module


# ── before anything runs ──


def test_an_old_python_can_read_the_file():
    ast.parse(LAUNCHER.read_text("utf-8"), feature_version=(3, 6))


def test_help_and_unknown_words(home):
    code, output, complaint = finished(home)
    assert (code, complaint) == (0, "")
    assert output.startswith("Kyoten（拠点）")
    assert finished(home, "help") == (0, output, "")
    code, output, complaint = finished(home, "strat")
    assert (code, output) == (1, "")
    assert complaint.startswith("「strat」という命令はありません。")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--prot", "1"], "「--prot」という指定はありません。./kyoten help で使い方を表示します。\n"),
        (["--port"], "--port の後ろに値を書いてください。\n"),
        (["--port", "八千"], "ポート番号は 1 から 65535 までの数で指定してください（いまの指定: 八千）。\n"),
        (["--port=70000"], "ポート番号は 1 から 65535 までの数で指定してください（いまの指定: 70000）。\n"),
    ],
)
def test_run_refuses_what_it_does_not_understand(home, words, sentence):
    assert finished(home, "run", *words) == (1, "", sentence)


def test_a_taken_port_is_refused_with_a_free_one(home, data):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        code, output, complaint = finished(home, "run", "--data", data, "--port", taken)
    assert (code, output) == (1, "")
    assert complaint.startswith(f"ポート {taken} は、ほかのプログラムが使っています。./kyoten run --port ")
    assert not (data / "prepare.pid").exists()


def test_a_broken_settings_file_is_named(home, data):
    (data / "settings.toml").write_text("demo = yes")
    code, output, complaint = finished(home, "manage", "--data", data, "check")
    assert (code, output) == (1, "")
    assert complaint.startswith(f"設定ファイル {data}/settings.toml を読めません。")


# ── the environment ──


def test_a_half_made_environment_is_made_again(launcher, home):
    launcher.ensure_environment()
    marker = launcher.VENV / "left-over"
    marker.write_text("")
    launcher.ensure_environment()
    assert marker.exists()  # complete: nothing was done

    (launcher.VENV / "made-for-run").unlink()  # killed midway: the mark is written last
    launcher.ensure_environment()
    assert not marker.exists()
    assert launcher.is_made("run", ["requirements.txt"])


def test_an_environment_lent_by_a_link_is_not_emptied(launcher, tmp_path):
    (tmp_path / "kept").write_text("")
    shutil.rmtree(launcher.VENV, ignore_errors=True)
    launcher.VENV.symlink_to(tmp_path)
    launcher.ensure_environment()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert not launcher.VENV.is_symlink()
    assert launcher.is_made("run", ["requirements.txt"])


def test_a_changed_lock_means_a_new_environment(launcher, home):
    launcher.ensure_environment()
    lock = home / "requirements.txt"
    lock.write_text("# changed\n")
    assert not launcher.is_made("run", ["requirements.txt"])
    lock.write_text("")
    assert launcher.is_made("run", ["requirements.txt"])


def test_two_starts_at_once_make_it_once(home):
    shutil.rmtree(home / ".venv", ignore_errors=True)
    command = [sys.executable, home / "kyoten", "manage", "check"]
    both = [subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, encoding="utf-8") for _ in range(2)]
    outputs = [process.communicate(timeout=SECONDS)[0] for process in both]
    assert [process.returncode for process in both] == [7, 7]
    assert sum("部品をそろえています（初回だけ、1分ほど）" in output for output in outputs) == 1


@pytest.fixture
def lock(home):
    """The requirements of the stand-in product: a part of its own, as a wheel beside it, locked by its hash."""
    wheel = home / "part-1-py3-none-any.whl"
    told = {
        "part.py": "",
        "part-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: part\nVersion: 1\n",
        "part-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    told["part-1.dist-info/RECORD"] = "".join(f"{name},,\n" for name in told)
    with zipfile.ZipFile(wheel, "w") as file:
        for name, text in told.items():
            file.writestr(name, text)
    path = home / "requirements.txt"
    path.write_text(f"part @ {wheel.as_uri()} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    yield path
    path.write_text("")


def parts_there(launcher):
    return sorted(path.name for path in launcher.VENV.glob("lib/python*/site-packages/part*"))


def test_parts_are_unpacked_where_they_will_be_and_not_in_a_tmp_that_may_be_small(launcher, lock, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = tmp_path.stat().st_mtime_ns
    launcher.ensure_environment()
    assert parts_there(launcher) == ["part-1.dist-info", "part.py"]
    assert tmp_path.stat().st_mtime_ns == before
    assert not (launcher.VENV / "unpacked").exists()


def test_a_part_with_another_hash_is_refused(launcher, lock):
    words, _, digest = lock.read_text().strip().rpartition(":")
    lock.write_text(f"{words}:{'0' * len(digest)}\n")
    with pytest.raises(launcher.Trouble) as told:
        launcher.ensure_environment()
    assert str(told.value).startswith("部品を入れられませんでした。")
    assert digest in str(told.value)
    assert parts_there(launcher) == []
    assert not launcher.is_made("run", ["requirements.txt"])


def test_a_full_disk_is_named(launcher):
    full = [sys.executable, "-c", "raise SystemExit('OSError: [Errno 28] No space left on device')"]
    with pytest.raises(launcher.Trouble) as told:
        launcher.checked(full, "部品を入れられませんでした。")
    assert str(told.value).splitlines() == [
        f"{launcher.VENV} を置くディスクの空きが足りません。run に 300 MB、test に 900 MB ほど要ります。",
        "",
        "OSError: [Errno 28] No space left on device",
    ]


@pytest.mark.parametrize(
    ("programs", "user", "line"),
    [
        (["apt-get", "sudo"], 1000, "sudo apt-get update && sudo apt-get install -y chromium strace"),
        (["apt-get"], 1000, 'su -c "apt-get update && apt-get install -y chromium strace"'),
        (["apt-get"], 0, "apt-get update && apt-get install -y chromium strace"),
        ([], 1000, "（お使いの OS の部品として）chromium strace"),
    ],
)
def test_the_line_to_type_is_one_that_works_on_this_machine(launcher, tmp_path, monkeypatch, programs, user, line):
    for name in programs:
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert launcher.how_to_install(["chromium", "strace"]) == line


def test_every_program_that_the_suite_calls_is_looked_for(launcher, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    elsewhere = {"libatomic1", "fonts-noto-cjk"}  # a library and fonts, which no PATH leads to
    assert set(launcher.missing_test_parts()) - elsewhere == {"chromium", "strace"}
    for name in ("chromium", "strace"):
        (tmp_path / name).touch(0o755)
    assert set(launcher.missing_test_parts()) - elsewhere == set()


def test_a_strict_umask_does_not_keep_the_postgresql_of_the_tests_from_starting():
    """Root's programs are run by another user, who must be able to read them."""
    asked = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).close(); print('connected')"
    command = [sys.executable, LAUNCHER.parent / "scripts/postgres.py", sys.executable, "-c", asked]
    done = subprocess.run(command, env=environment(), capture_output=True, umask=0o077, timeout=SECONDS)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"connected\n", b"")


# ── handing over ──


def handed_over(answer):
    code, output, complaint = answer
    assert (code, complaint) == (7, "")
    return json.loads(output.splitlines()[-1])


def test_manage_hands_over_words_folder_and_exit_code(home, data, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(home / "kyoten")
    command = [sys.executable, link, "manage", "--data", data, "check", "--fail-level", "警告"]
    unkind = environment(LC_ALL="C", DJANGO_SETTINGS_MODULE="another.project")
    done = subprocess.run(command, cwd=tmp_path, env=unkind, capture_output=True, timeout=SECONDS)
    assert handed_over((done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))) == {
        "words": ["check", "--fail-level", "警告"],
        "cwd": str(tmp_path),
        "KYOTEN_DATA": str(data),
        "SQLITE_TMPDIR": str(data),  # beside the database, where there is room
        "PYTHONUTF8": "1",
        "DJANGO_SETTINGS_MODULE": None,
    }


@pytest.mark.parametrize("command", ["definition", "form"])
def test_definition_and_form_are_commands_of_their_own(home, data, command):
    answer = handed_over(finished(home, command, f"--data={data}", "read", "a.docx", cwd=home))
    assert (answer["words"], answer["KYOTEN_DATA"]) == ([command, "read", "a.docx"], str(data))


def test_the_data_folder_is_beside_the_launcher_unless_named(home, data):
    assert handed_over(finished(home, "manage", "check"))["KYOTEN_DATA"] == str(home / ".kyoten")
    assert handed_over(finished(home, "manage", "check", KYOTEN_DATA=str(data)))["KYOTEN_DATA"] == str(data)


def test_a_new_data_folder_is_for_its_owner_alone(home, tmp_path):
    handed_over(finished(home, "manage", "--data", tmp_path / "new", "check"))
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


# ── run ──


def test_run_serves_and_ends_everything_on_ctrl_c(home, data, port, started):
    process, said = started(home, "run", "--data", data, "--port", port)
    assert f"体験用の利用者 http://localhost:{port}" in said
    assert f"\n    http://localhost:{port}\n" in said
    socket.create_connection(("127.0.0.1", port)).close()
    process.send_signal(signal.SIGINT)
    output, code = rest(process)
    assert code == 0
    assert output.endswith("終了します…\n")


def test_a_killed_launcher_leaves_nothing_running(home, data, port, started):
    process, _ = started(home, "run", "--data", data, "--port", port)
    process.kill()
    assert rest(process)[1] == -signal.SIGKILL
    process, _ = started(home, "run", "--data", data, "--port", port)  # and the next start finds all it needs


def test_a_second_run_says_where_the_first_is(home, data, port, started):
    process, _ = started(home, "run", "--data", data, "--port", port)
    code, output, complaint = finished(home, "run", "--data", data, "--port", port)
    assert (code, output) == (1, "")
    assert complaint.splitlines()[0] == f"すでに動いています: http://localhost:{port} （プロセス {process.pid}）"
    socket.create_connection(("127.0.0.1", port)).close()


def test_a_worker_that_keeps_dying_is_started_again_once(home, data, port):
    (data / "worker-fails").write_text("")
    code, output, complaint = finished(home, "run", "--data", data, "--port", port)
    assert code == 1
    assert output.splitlines().count("worker") == 2
    assert output.count("もう一度動かします") == 1
    assert complaint.endswith("送受信の係（worker）が繰り返し止まったので、終了しました。上の表示をご確認ください。\n")


def test_a_dead_web_server_ends_the_run(home, data, port, started):
    process, _ = started(home, "run", "--data", data, "--port", port)
    os.kill(int((data / "web.pid").read_text()), signal.SIGKILL)
    output, code = rest(process)
    assert code == 1
    assert "画面のサーバー（web）が止まったので、終了しました。" in output


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ("prepare-fails", "準備ができませんでした。上の表示をご確認ください。"),
        ("web-fails", "画面のサーバー（web）を起動できませんでした。上の表示をご確認ください。"),
    ],
)
def test_a_start_that_fails_leaves_nothing_running(home, data, port, failing, sentence):
    (data / failing).write_text("")
    code, _, complaint = finished(home, "run", "--data", data, "--port", port)
    assert (code, complaint.splitlines()[-1]) == (1, sentence)


def test_a_new_instance_can_be_made_without_the_demonstration(home, data, port, started):
    _, said = started(home, "run", "--no-demo", "--data", data, "--port", port)
    assert f"体験用の利用者 http://localhost:{port} 0\n" in said


def test_a_demonstration_does_not_become_a_real_instance(home, data, port):
    (data / "settings.toml").write_text("demo = true\n")
    code, output, complaint = finished(home, "run", "--no-demo", "--data", data, "--port", port)
    assert (code, output) == (1, "")
    assert complaint.startswith(f"{data} は体験用の環境です。")
    assert not (data / "prepare.pid").exists()


def test_the_address_of_the_settings_is_the_one_announced(home, data, port, started):
    (data / "settings.toml").write_text('base_url = "https://kyoten.example.jp"\n')
    _, said = started(home, "run", "--data", data, "--port", port)
    assert "\n    https://kyoten.example.jp\n" in said
