"""Django settings of the tests: the product's own in a throw-away data folder, with what only costs time taken out."""

import atexit
import os
import shutil
import tempfile

os.environ["KYOTEN_DATA"] = tempfile.mkdtemp(prefix="kyoten-test-")
os.environ.pop("KYOTEN_BASE_URL", None)
atexit.register(shutil.rmtree, os.environ["KYOTEN_DATA"], ignore_errors=True)

from kyoten.web.settings import *  # noqa: E402, F403
from kyoten.web.settings import DATABASES, STORAGES  # noqa: E402

DEMO = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # The file stays (a shared in-memory database answers "table is locked"), but nothing here outlives a power cut.
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
