"""Who may call what: every route from every seat, by GET and by POST, against a table written by hand.

o  the view answers: a page, a redirect, a refusal in words
x  the 404 of a thing that does not exist, byte for byte
f  403: a 閲覧 seat sees the page but may not act
l  to the login page
-  no such method
"""

from contextlib import nullcontext

import pytest
from django.urls import reverse

from kyoten.web.routes import ROUTES
from tests.pages.matrix import MANAGERS, MISSING, SEATS, Caller, address, digest, moment, undone

pytestmark = pytest.mark.django_db
LOGOUT = reverse("account_logout")

# 松 owner · 千 its prefecture · 閲 its prefecture's viewer · 埼 another prefecture · 柏 another city
# 事 secretariat · 国 ministry · 医 association · 無 nobody
DRAFT = """
                                        GET        POST
                                        松千閲埼柏事国医無   松千閲埼柏事国医無
home                                    ooooooool  --------l
health                                  ooooooooo  ---------
rescue:list                             ooooooool  --------l
rescue:open                             oxxxxxxxl  --------l
rescue:delete                           --------l  oxxxxxxxl
demo:guide                              xxxxxxxxx  xxxxxxxxx
demo:login                              xxxxxxxxx  xxxxxxxxx
demo:clock                              xxxxxxxxx  xxxxxxxxx
demo:jump                               xxxxxxxxx  xxxxxxxxx
demo:reset                              xxxxxxxxx  xxxxxxxxx
account_login                           ooooooooo  ooooooooo
account_logout                          ooooooool  lllllllll
account_inactive                        ooooooooo  ---------
account_reauthenticate                  ooooooool  ooooooool
account_change_password                 ooooooool  ooooooool
mfa_index                               ooooooool  --------l
mfa_authenticate                        ooooooool  ooooooool
mfa_reauthenticate                      ooooooool  ooooooool
mfa_activate_totp                       ooooooool  ooooooool
mfa_deactivate_totp                     xxxxxxxxl  xxxxxxxxl
mfa_view_recovery_codes                 xxxxxxxxl  --------l
mfa_generate_recovery_codes             ooooooool  ooooooool
mfa_download_recovery_codes             xxxxxxxxl  xxxxxxxxl
mfa_list_webauthn                       ooooooool  --------l
mfa_add_webauthn                        ooooooool  ooooooool
mfa_reauthenticate_webauthn             ooooooool  ooooooool
mfa_edit_webauthn                       ooooooool  ooooooool
mfa_remove_webauthn                     ooooooool  ooooooool
organisations:second_factor             ooooooool  ooooooool
organisations:login_code                lllllllll  lllllllll
organisations:recover                   ooooooooo  ooooooooo
organisations:recover_password          ooooooooo  ooooooooo
organisations:accept                    ooooooooo  ooooooooo
organisations:me                        ooooooool  ooooooool
organisations:switch_seat               --------l  ooooooool
organisations:people                    ooooooool  --------l
organisations:invite                    xxxxxxxxl  xxxxxxxxl
organisations:first_managers            xxxxxxxxl  xxxxxxxxl
organisations:revoke_invitation         xxxxxxxxl  xxxxxxxxl
organisations:give_seat                 xxxxxxxxl  xxxxxxxxl
organisations:seat                      xxxxxxxxl  xxxxxxxxl
organisations:transfer                  xxxxxxxxl  xxxxxxxxl
organisations:addresses                 ooooooool  --------l
organisations:address_export            ooooooool  --------l
organisations:address_import            ooooooool  oofoooool
organisations:address_import_check      oxxxxxxxl  oxfxxxxxl
organisations:confirmations             ooooooool  oofoooool
organisations:address_edit              ooxxxxxxl  oofxxxxxl
organisations:address_close             --------l  oofxxxxxl
organisations:confirm_on_screen         --------l  oofxxxxxl
organisations:organisation_add          ooooooool  oofoooool
organisations:organisation_name         ooxxxxxxl  oofxxxxxl
organisations:address_add               ooxxxxxxl  oofxxxxxl
organisations:confirm                   ooooooooo  ooooooooo
organisations:areas                     ooooooool  --------l
organisations:area_add                  xoooxxxxl  xofoxxxxl
organisations:area_edit                 xoxxxxxxl  xofxxxxxl
organisations:designations              ooooooool  --------l
organisations:designation_add           xoooxxxxl  xofoxxxxl
organisations:designation_end           x---xxxxl  xofxxxxxl
programmes:list                         xxxxxooxl  xxxxx--xl
programmes:show                         xxxxxooxl  xxxxx--xl
programmes:diff                         xxxxxooxl  xxxxx--xl
programmes:next_year                    xxxxxooxl  xxxxx--xl
programmes:download                     xxxxxooxl  xxxxx--xl
programmes:upload                       xxxxxooxl  xxxxxooxl
programmes:publish                      xxxxxxxxl  xxxxxxxxl
programmes:in_charge                    ooooooool  oofoooool
inquiries:list                          ooooooool  --------l
inquiries:received                      oxxxxxxxl  --------l
inquiries:read                          --------l  oxfxxxxxl
inquiries:reply                         --------l  oxfxxxxxl
inquiries:pass_on                       --------l  oxfxxxxxl
inquiries:asked                         xooxxxxxl  --------l
inquiries:remind                        --------l  xofxxxxxl
inquiries:telephone                     xooxxxxxl  xofxxxxxl
inquiries:due                           xooxxxxxl  xofxxxxxl
inquiries:settle_mail                   --------l  xofxxxxxl
inquiries:mail_file                     xooxxxxxl  --------l
inquiries:link                          ooooooooo  ooooooooo
post:mailbox                            xxxxxxxxx  xxxxxxxxx
post:mail                               xxxxxxxxx  xxxxxxxxx
post:mail_reply                         ---------  xxxxxxxxx
post:mail_attachment                    xxxxxxxxx  xxxxxxxxx
post:failures                           ooooooool  --------l
post:failure                            xooxxxxxl  --------l
post:failure_resend                     --------l  xofxxxxxl
post:failure_settle                     --------l  xofxxxxxl
post:attention                          ooooooool  --------l
post:attention_mail                     xxxxxoxxl  --------l
post:attention_file                     xxxxxoxxl  --------l
post:attention_settle                   --------l  xxfxxoxxl
sorting:list                            xxxxxoxxl  --------l
sorting:hand_in                         --------l  xxfxxoxxl
sorting:mail                            xxxxxoxxl  --------l
sorting:file                            xxxxxoxxl  --------l
sorting:change                          --------l  xxfxxoxxl
sorting:settle                          --------l  xxfxxoxxl
consultations:list                      xxxxxoxxl  --------l
consultations:log                       xxxxxoxxl  xxfxxoxxl
consultations:ask                       xxxxxxxxx  xxxxxxxxx
consultations:case                      xxxxxoxxl  --------l
consultations:assign                    --------l  xxfxxoxxl
consultations:note                      --------l  xxfxxoxxl
consultations:describe                  --------l  xxfxxoxxl
consultations:refer                     --------l  xxfxxoxxl
consultations:draft                     --------l  xxfxxoxxl
consultations:decide                    --------l  xxfxxoxxl
consultations:callback                  --------l  xxfxxoxxl
consultations:called_back               --------l  xxfxxoxxl
consultations:close                     --------l  xxfxxoxxl
consultations:merge                     --------l  xxfxxoxxl
consultations:settle_warning            --------l  xxfxxoxxl
consultations:split                     --------l  xxfxxoxxl
consultations:message_file              xxxxxoxxl  --------l
consultations:report                    xxxxxooxl  --------l
consultations:report_table              xxxxxooxl  --------l
consultations:report_words              xxxxxoxxl  xxfxxoxxl
consultations:report_paper              xxxxxoxxl  --------l
consultations:check_personal            --------l  xxfxxoxxl
consultations:mask                      --------l  xxfxxoxxl
consultations:withhold                  --------l  xxfxxoxxl
consultations:consent                   xxxxxoxxl  xxfxxoxxl
consultations:propose                   xxxxxoxxl  xxfxxoxxl
consultations:suggest                   xxxxxoxxl  --------l
consultations:export                    xxxxxoxxl  xxfxxoxxl
consultations:guide                     xxxxxoxxl  xxfxxoxxl
consultations:guide_section             xxxxxoxxl  --------l
consultations:knowledge                 xxxxxoxxl  --------l
consultations:guide_add                 xxxxxoxxl  xxxxxoxxl
consultations:guide_edit                xxxxxoxxl  xxxxxoxxl
consultations:readers                   xxxxxxxxl  xxxxxxxxl
consultations:person                    xxxxxxxxl  xxxxxxxxl
consultations:person_paper              xxxxxxxxl  xxxxxxxxl
consultations:person_delete             xxxxxxxxl  xxxxxxxxl
examples:list                           ooooooool  --------l
examples:show                           ooooooool  --------l
examples:decide                         --------l  xxfxxoxxl
calls:list                              ooooooool  --------l
calls:show                              oooooooxl  --------l
calls:guide                             ooooooooo  ooooooooo
calls:blank                             ooooooooo  ooooooooo
calls:open                              xxxxxoxxl  xxxxxoxxl
calls:ask                               xoooxxxxl  xofoxxxxl
calls:draft                             xooxxxxxl  xofxxxxxl
calls:draft_void                        x---x-xxl  xofxxxxxl
calls:draft_file                        xooxxxxxl  x---x-xxl
calls:start                             -xxx-xx-l  oxxxoxxxl
calls:leave                             -xxx-xx-l  oxxxoxxxl
calls:applications                      oooooooxl  --------l
calls:applications_table                oooooooxl  --------l
calls:gather                            xooxxxxxl  x---xxxxl
calls:status_table                      xooxxxxxl  x---xxxxl
calls:fax_sheet                         xooxxxxxl  x---xxxxl
calls:proxy                             xoooxoxxl  xofoxoxxl
calls:proxy_from_mail                   xooxxxxxl  xofxxxxxl
calls:proxy_from_unplaced               xxxxxoxxl  xxxxxoxxl
calls:prepare                           xooxxxxxl  xofxxxxxl
calls:board                             xxxxxoxxl  xxxxx-xxl
calls:late                              xxxxxoxxl  xxxxxoxxl
calls:deadline                          xxxxxoxxl  xxxxxoxxl
calls:announce                          xxxxxoxxl  xxxxxoxxl
calls:application                       oxxxxxxxl  --------l
calls:edit                              oxxxxxxxl  oxfxxxxxl
calls:submit                            oxxxxxxxl  oxfxxxxxl
calls:withdraw                          oxxxxxxxl  oxfxxxxxl
calls:paper                             oxxxxxxxl  --------l
calls:table_paper                       oxxxxxxxl  --------l
calls:upload                            --------l  oxfxxxxxl
calls:reading                           oxxxxxxxl  oxfxxxxxl
calls:settle_conflict                   --------l  oxfxxxxxl
calls:carry                             --------l  oxfxxxxxl
calls:file                              oxxxxxxxl  --------l
"""
# The prefecture has the application: now it is seen there, and still nowhere else.
SUBMITTED = """
                                        GET        POST
                                        松千閲埼柏事国医無   松千閲埼柏事国医無
calls:application                       oooxxxxxl  --------l
calls:edit                              oooxxxxxl  oofxxxxxl
calls:paper                             oooxxxxxl  --------l
calls:file                              oooxxxxxl  --------l
calls:send_back                         xooxxxxxl  xofxxxxxl
calls:opinion                           x---xxxxl  xofxxxxxl
calls:officer                           xooxxxxxl  xofxxxxxl
calls:decide                            xxxxxxxxl  xxxxxxxxl
calls:letter                            xxxxxxxxl  xxxxx-xxl
"""
# The organiser has it and has decided.
FORWARDED = """
                                        GET        POST
                                        松千閲埼柏事国医無   松千閲埼柏事国医無
calls:bundle                            xooxxoxxl  xofxxoxxl
calls:bundle_file                       xooxxxxxl  x---xxxxl
calls:application                       oooxxooxl  --------l
calls:edit                              oooxxooxl  oofxxooxl
calls:submit                            oooxxooxl  oofxxooxl
calls:withdraw                          oooxxooxl  oofxxooxl
calls:paper                             oooxxooxl  --------l
calls:file                              oooxxooxl  --------l
calls:decide                            xxxxxoxxl  xxxxxoxxl
calls:tick                              xxxxx-xxl  xxxxxoxxl
calls:note                              xxxxx-xxl  xxxxxoxxl
calls:conflict                          xxxxxoxxl  xxxxxoxxl
calls:take_in                           xxxxxoxxl  xxxxxoxxl
calls:letter                            xxxxxoxxl  xxxxx-xxl
"""
# 管理 seats of 松戸市 and of the secretariat, where they may do more than an officer.
OF_MANAGERS = """
                                        GET  POST
                                        松事   松事
organisations:invite                    oo   oo
organisations:first_managers            xo   x-
organisations:revoke_invitation         --   ox
organisations:give_seat                 oo   oo
organisations:seat                      ox   ox
organisations:transfer                  ox   ox
programmes:publish                      x-   xo
consultations:readers                   xo   --
consultations:person                    xo   --
consultations:person_paper              --   xo
consultations:person_delete             --   xo
"""
TABLES = {"draft": DRAFT, "submitted": SUBMITTED, "forwarded": FORWARDED}


def rows(table: str) -> dict[str, tuple[str, str]]:
    lines = (line.split() for line in table.splitlines()[3:])
    return {name: (get, post) for name, get, post in lines}


@pytest.fixture(autouse=True)
def host(settings, caplog):
    settings.ALLOWED_HOSTS = ["testserver"]
    caplog.set_level("CRITICAL", "django.request")  # a thousand refusals are wanted here


def callers(world, seats: dict[str, str | None]) -> list[Caller]:
    return [Caller(getattr(world, name) if name else None) for name in seats.values()]


def test_every_route_stands_in_a_table():
    assert {name for table in TABLES.values() for name in rows(table)} == set(ROUTES)


@pytest.mark.parametrize("name", TABLES)
def test_each_seat_gets_its_own_and_only_acts_change_anything(world, name):
    at, table, seats = moment(world, name), rows(TABLES[name]), callers(world, SEATS)
    before = digest()
    found = {route: "".join(seat.letter("GET", address(at, route)) for seat in seats) for route in table}
    assert found == {route: get for route, (get, _) in table.items()}
    assert digest() == before
    found = {route: posted(seats, address(at, route), post) for route, (_, post) in table.items()}
    assert found == {route: post for route, (_, post) in table.items()}
    assert digest() == before


def posted(seats: list[Caller], url: str, expected: str) -> str:
    """What a POST should reach is taken back; what should be refused is not, so that a change would show."""
    found = ""
    for seat, letter in zip(seats, expected, strict=True):
        with undone() if letter == "o" or url == LOGOUT else nullcontext():
            found += seat.letter("POST", url)
    return found


def test_managers_may_do_what_officers_may_not(world):
    at, table, seats = moment(world, "draft"), rows(OF_MANAGERS), callers(world, MANAGERS)
    for route, (get, post) in table.items():
        shown = "".join(seat.letter("GET", address(at, route)) for seat in seats)
        assert (route, shown, posted(seats, address(at, route), post)) == (route, get, post)


def test_what_does_not_exist_and_what_is_anothers_look_the_same(world):
    at = moment(world, "submitted")
    stranger = Caller(world.seat_kashiwa)
    for route in ("calls:application", "calls:edit", "calls:paper", "inquiries:received", "organisations:address_edit"):
        theirs = address(at, route)
        nothing = "/".join(str(MISSING) if part.isdecimal() else part for part in theirs.split("/"))
        answers = [vars(stranger.answer("GET", url)) for url in (theirs, nothing, "/no-such-page/")]
        assert (answers[0]["status"], answers[0]) == (404, answers[1])
        assert answers[1] == answers[2]
