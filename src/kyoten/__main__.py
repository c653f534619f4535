"""`python -m kyoten COMMAND`: Django's commands under the settings of the instance."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kyoten.web.settings")
execute_from_command_line(["kyoten", *sys.argv[1:]])
