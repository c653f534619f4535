"""Who may call which route. A view name without a row here does not exist (and fails the build).

`open`: without login. `anyone`: every logged-in person, seat or not. `kinds`: kinds of organisation whose seats may
call it (empty: all kinds). `acts`: may be POSTed to, by a seat that may act (not 閲覧); a seat's route without it is only
read. `manager`: only 管理 seats. What a seat sees of the *rows* behind a route is decided by the models' `visible_to`,
not here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

SECRETARIAT = ("secretariat",)
PREFECTURE = ("prefecture",)
MINISTRY = ("ministry",)
NATIONAL = SECRETARIAT + MINISTRY
APPLICANTS = ("municipality", "hub", "association", "health_centre")
READERS = NATIONAL + PREFECTURE + APPLICANTS  # of released 事例


@dataclass(frozen=True)
class Access:
    open: bool = False
    anyone: bool = False
    kinds: tuple[str, ...] = ()
    acts: bool = False
    manager: bool = False
    before_second_factor: bool = False

    @property
    def only_read(self) -> bool:
        return not (self.acts or self.anyone or self.open)

    def of(self, *kinds: str) -> Access:
        """The same, for seats of these kinds of organisation only."""
        return replace(self, kinds=kinds)


OPEN = Access(open=True)
ANYONE = Access(anyone=True)
HALF_WAY = Access(anyone=True, before_second_factor=True)  # logged in with the password alone
SEAT = Access()
ACTS = Access(acts=True)
MANAGER = Access(acts=True, manager=True)

ROUTES: dict[str, Access] = {
    # ---- the platform itself
    "home": ANYONE,
    "health": OPEN,
    "rescue:list": ANYONE,
    "rescue:open": ANYONE,
    "rescue:delete": ANYONE,
    # the views answer 404 outside the demo
    "demo:guide": OPEN,
    "demo:login": OPEN,
    "demo:clock": OPEN,
    "demo:jump": OPEN,
    "demo:reset": OPEN,
    # ---- login and the own account
    "account_login": OPEN,
    "account_logout": OPEN,  # who stops before the second factor is not logged in yet
    "account_inactive": OPEN,
    "account_reauthenticate": ANYONE,
    "account_change_password": ANYONE,
    "mfa_index": ANYONE,
    "mfa_authenticate": OPEN,  # between password and app: nobody is logged in yet
    "mfa_reauthenticate": ANYONE,
    "mfa_activate_totp": ANYONE,
    "mfa_deactivate_totp": ANYONE,
    "mfa_view_recovery_codes": ANYONE,
    "mfa_generate_recovery_codes": ANYONE,
    "mfa_download_recovery_codes": ANYONE,
    "mfa_list_webauthn": ANYONE,
    "mfa_add_webauthn": ANYONE,
    "mfa_reauthenticate_webauthn": ANYONE,
    "mfa_edit_webauthn": ANYONE,
    "mfa_remove_webauthn": ANYONE,
    "organisations:second_factor": HALF_WAY,
    "organisations:login_code": OPEN,
    "organisations:recover": OPEN,
    "organisations:recover_password": OPEN,
    "organisations:accept": OPEN,
    "organisations:me": ANYONE,
    "organisations:switch_seat": ANYONE,
    # ---- people
    "organisations:people": SEAT,
    "organisations:invite": MANAGER,
    "organisations:first_managers": MANAGER.of(*NATIONAL, *PREFECTURE),
    "organisations:revoke_invitation": MANAGER,
    "organisations:give_seat": MANAGER,
    "organisations:seat": MANAGER,
    "organisations:transfer": MANAGER,
    # ---- the address list
    "organisations:addresses": SEAT,
    "organisations:address_export": SEAT,
    "organisations:address_import": ACTS,
    "organisations:address_import_check": ACTS,
    "organisations:confirmations": ACTS,
    "organisations:address_edit": ACTS,
    "organisations:address_close": ACTS,
    "organisations:confirm_on_screen": ACTS,
    "organisations:organisation_add": ACTS,
    "organisations:organisation_name": ACTS,
    "organisations:address_add": ACTS,
    "organisations:confirm": OPEN,  # the signed link of the confirmation mail
    # ---- areas and hubs
    "organisations:areas": SEAT,
    "organisations:area_add": ACTS.of(*PREFECTURE),
    "organisations:area_edit": ACTS.of(*PREFECTURE),
    "organisations:designations": SEAT,
    "organisations:designation_add": ACTS.of(*PREFECTURE),
    "organisations:designation_end": ACTS.of(*PREFECTURE),
    # ---- programmes
    "programmes:list": SEAT.of(*NATIONAL),
    "programmes:show": SEAT.of(*NATIONAL),
    "programmes:diff": SEAT.of(*NATIONAL),
    "programmes:next_year": SEAT.of(*NATIONAL),
    "programmes:download": SEAT.of(*NATIONAL),
    "programmes:upload": ACTS.of(*NATIONAL),
    "programmes:publish": MANAGER.of(*NATIONAL),
    "programmes:in_charge": ACTS,
    # ---- inquiries
    "inquiries:list": SEAT,
    "inquiries:received": SEAT,
    "inquiries:read": ACTS,
    "inquiries:reply": ACTS,
    "inquiries:pass_on": ACTS,
    "inquiries:asked": SEAT,
    "inquiries:remind": ACTS,
    "inquiries:telephone": ACTS,
    "inquiries:due": ACTS,
    "inquiries:settle_mail": ACTS,
    "inquiries:mail_file": SEAT,
    "inquiries:link": OPEN,  # the signed link of the inquiry's mail
    # ---- calls
    "calls:list": SEAT,
    "calls:show": SEAT,
    "calls:guide": OPEN,  # 公募要領
    "calls:blank": OPEN,
    "calls:open": ACTS.of(*SECRETARIAT),
    "calls:ask": ACTS.of(*PREFECTURE),
    "calls:start": ACTS.of(*APPLICANTS),
    "calls:leave": ACTS.of(*APPLICANTS),
    "calls:applications": SEAT,
    "calls:applications_table": SEAT,
    "calls:gather": SEAT.of(*PREFECTURE),
    "calls:status_table": SEAT.of(*PREFECTURE),
    "calls:fax_sheet": SEAT.of(*PREFECTURE),
    "calls:proxy": ACTS.of(*PREFECTURE, *SECRETARIAT),
    "calls:proxy_from_mail": ACTS.of(*PREFECTURE, *SECRETARIAT),
    "calls:proxy_from_unplaced": ACTS.of(*SECRETARIAT),
    "calls:prepare": ACTS.of(*PREFECTURE),
    "calls:board": SEAT.of(*SECRETARIAT),
    "calls:late": ACTS.of(*SECRETARIAT),
    "calls:deadline": ACTS.of(*SECRETARIAT),
    "calls:announce": ACTS.of(*SECRETARIAT),
    "calls:draft": ACTS.of(*PREFECTURE, *SECRETARIAT),
    "calls:draft_void": ACTS.of(*PREFECTURE, *SECRETARIAT),
    "calls:draft_file": SEAT.of(*PREFECTURE, *SECRETARIAT),
    "calls:bundle": ACTS.of(*PREFECTURE, *SECRETARIAT),
    "calls:bundle_file": SEAT.of(*PREFECTURE),
    "calls:application": SEAT,
    "calls:edit": ACTS,
    "calls:submit": ACTS,
    "calls:withdraw": ACTS,
    "calls:paper": SEAT,
    "calls:table_paper": SEAT,
    "calls:upload": ACTS,
    "calls:reading": ACTS,
    "calls:settle_conflict": ACTS,
    "calls:carry": ACTS,
    "calls:file": SEAT,
    "calls:send_back": ACTS.of(*PREFECTURE),
    "calls:opinion": ACTS.of(*PREFECTURE),
    "calls:officer": ACTS.of(*PREFECTURE),
    "calls:decide": ACTS.of(*SECRETARIAT),
    "calls:tick": ACTS.of(*SECRETARIAT),
    "calls:note": ACTS.of(*SECRETARIAT),
    "calls:conflict": ACTS.of(*SECRETARIAT),
    "calls:take_in": ACTS.of(*SECRETARIAT),
    "calls:letter": SEAT.of(*SECRETARIAT),
    # ---- consultations; a body without a desk gets the 404 of its lists
    "consultations:list": SEAT,
    "consultations:log": ACTS,
    "consultations:ask": OPEN,  # Webフォーム, where a desk's definition opens one
    "consultations:case": SEAT,
    "consultations:assign": ACTS,
    "consultations:note": ACTS,
    "consultations:describe": ACTS,
    "consultations:refer": ACTS,
    "consultations:draft": ACTS,
    "consultations:decide": ACTS,
    "consultations:callback": ACTS,
    "consultations:called_back": ACTS,
    "consultations:close": ACTS,
    "consultations:merge": ACTS,
    "consultations:settle_warning": ACTS,
    "consultations:split": ACTS,
    "consultations:message_file": SEAT,
    "consultations:report": SEAT,  # the body that runs the desk; the ministry for national desks: figures, never a case
    "consultations:report_table": SEAT,
    "consultations:report_words": ACTS,
    "consultations:report_paper": SEAT,
    "consultations:check_personal": ACTS,
    "consultations:mask": ACTS,
    "consultations:withhold": ACTS,
    "consultations:consent": ACTS,
    "consultations:propose": ACTS,
    "consultations:suggest": SEAT,
    "consultations:export": ACTS,
    "consultations:guide": ACTS,
    "consultations:guide_section": SEAT,
    "consultations:knowledge": SEAT,
    "consultations:guide_add": ACTS.of(*SECRETARIAT),
    "consultations:guide_edit": ACTS.of(*SECRETARIAT),
    "consultations:readers": MANAGER,
    "consultations:person": MANAGER,
    "consultations:person_paper": MANAGER,
    "consultations:person_delete": MANAGER,
    # ---- 公開された事例: read by whom the models' readable_by names
    "examples:list": SEAT.of(*READERS),
    "examples:show": SEAT.of(*READERS),
    "examples:decide": ACTS.of(*READERS),
    # ---- sorting of the one mailbox; a body without one gets the 404 of its pages
    "sorting:list": SEAT,
    "sorting:hand_in": ACTS,
    "sorting:mail": SEAT,
    "sorting:file": SEAT,
    "sorting:change": ACTS,
    "sorting:settle": ACTS,
    # ---- post; the views of the demo's mailbox answer 404 outside the demo
    "post:mailbox": OPEN,
    "post:mail": OPEN,
    "post:mail_reply": OPEN,
    "post:mail_attachment": OPEN,
    "post:failures": SEAT,
    "post:failure": SEAT,
    "post:failure_resend": ACTS,
    "post:failure_settle": ACTS,
    "post:attention": SEAT,
    "post:attention_mail": SEAT,
    "post:attention_file": SEAT,
    "post:attention_settle": ACTS,
}
