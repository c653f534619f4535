"""The answers to a form: a dict from field id to value.

    text, longtext, email, phone   str
    choice                         the value of the option, "" while open
    marks                          list of option values, in the order of the form
    number, money                  int (yen), None while open
    date                           ISO text "2025-07-31", "" while open
    address                        {"postal": "260-8667", "text": "…"}
    table                          list of rows {"row": row id, column id: str, …}

What cannot be read stays as it was typed and is reported by `problems`: nothing typed is ever lost.
A field that was not posted is not in the dict.
"""

from kyoten.rules.answers.carrying import Change, Homeless, carry, changes
from kyoten.rules.answers.checking import Problem, problems
from kyoten.rules.answers.cleaning import Answers, blank, clean, clean_value, is_blank, new_row_id
from kyoten.rules.answers.merging import Conflict, Merge, digests, merge
from kyoten.rules.answers.showing import show

__all__ = [
    "Answers",
    "Change",
    "Conflict",
    "Homeless",
    "Merge",
    "Problem",
    "blank",
    "carry",
    "changes",
    "clean",
    "clean_value",
    "digests",
    "is_blank",
    "merge",
    "new_row_id",
    "problems",
    "show",
]
