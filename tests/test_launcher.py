"""./kyoten itself: the real launcher beside a stand-in for the product, so that starts, deaths and ends take no time.

A child inherits the launcher's output, so reading that to its end proves that no child is left.
"""

import ast
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
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
    names = ("KYOTEN_DATA", "PYTHONUTF8", "DJANGO_SETTINGS_MODULE")
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
