"""How allauth behaves here: accounts are made by invitation only, and a person has no mail address."""

from allauth.account.adapter import DefaultAccountAdapter


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request) -> bool:
        return False
