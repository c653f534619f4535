"""What keeps mail from coming in is said in words that name the setting to look at; nothing else is touched."""

import socket
from datetime import datetime

import pytest

from kyoten.post import trouble
from kyoten.post.mailbox import fetch, trouble_now
from kyoten.post.models import InboundMail
from kyoten.rules.clock import JST
from tests.flows.imap_server import TOKEN, Server
from tests.flows.smtp_server import Certificate

AT = datetime(2025, 7, 24, 16, 0, tzinfo=JST)
MAIL = b"Subject: x\r\n\r\nx\r\n"
pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    with Server({1: MAIL}) as server:
        yield server


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"port": 1}, trouble.UNREACHABLE),
        ({"security": "tls"}, trouble.ENCRYPTION),
        ({"security": "tls", "ca_file": "/no/such/file.pem"}, trouble.CA_FILE),
        ({"user": "betsu@example.jp"}, trouble.TOKEN_REFUSED),
        ({"folder": "相談"}, trouble.FOLDER.format(folder="相談")),
        ({"directory": "/no/such/folder"}, trouble.DIRECTORY),
    ],
)
def test_every_slip_in_the_settings_is_named(server, settings, wrong, sentence):
    server.folders = ['"INBOX"']
    settings.MAILBOX = server.settings(oauth2_token=TOKEN) | wrong
    assert fetch(AT) == 0
    assert trouble_now().startswith(f"{sentence}（")
    assert InboundMail.objects.count() == 0
    settings.MAILBOX = server.settings(oauth2_token=TOKEN)
    assert (fetch(AT), trouble_now()) == (1, "")


def test_a_server_that_says_nothing(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.MAILBOX = {"host": "127.0.0.1", "port": silent.getsockname()[1], "security": "none", "timeout": 0.2}
        fetch(AT)
    assert trouble_now().startswith(trouble.SILENT)


def test_only_a_server_whose_certificate_is_known_is_given_the_token(server, settings, tmp_path):
    certificate = Certificate(tmp_path)
    server.socket = certificate.server_context().wrap_socket(server.socket, server_side=True)
    settings.MAILBOX = server.settings(oauth2_token=TOKEN, security="tls")
    assert fetch(AT) == 0
    assert trouble_now().startswith(trouble.CERTIFICATE)
    settings.MAILBOX["ca_file"] = str(certificate.file)
    assert (fetch(AT), trouble_now()) == (1, "")
