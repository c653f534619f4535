"""Addresses of people, the address list, areas and hubs. Login itself is in account_urls."""

from django.urls import path

from .views import addresses, areas, login, people

app_name = "organisations"
urlpatterns = [
    path("people/", people.list_people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/first-managers/", people.list_first_managers, name="first_managers"),
    path("people/invitations/<int:pk>/revoke/", people.revoke_invitation, name="revoke_invitation"),
    path("people/seats/add/", people.give_seat, name="give_seat"),
    path("people/seats/<int:pk>/", people.change_role, name="seat"),
    path("people/seats/<int:pk>/transfer/", people.transfer, name="transfer"),
    path("invitation/<str:token>/", people.accept, name="accept"),
    path("me/", people.me, name="me"),
    path("me/seat/", people.switch_seat, name="switch_seat"),
    path("second-factor/", login.second_factor, name="second_factor"),
    path("login-code/", login.login_code, name="login_code"),
    path("recover/", login.recover, name="recover"),
    path("recover/<str:token>/", login.recover_password, name="recover_password"),
    path("addresses/", addresses.list_addresses, name="addresses"),
    path("addresses/export/", addresses.export_addresses, name="address_export"),
    path("addresses/import/", addresses.import_addresses, name="address_import"),
    path("addresses/import/<int:pk>/", addresses.check_import, name="address_import_check"),
    path("addresses/confirmations/", addresses.confirmations, name="confirmations"),
    path("addresses/<int:pk>/", addresses.edit_address, name="address_edit"),
    path("addresses/<int:pk>/close/", addresses.close_address, name="address_close"),
    path("addresses/<int:pk>/confirm/", addresses.confirm_on_screen, name="confirm_on_screen"),
    path("organisations/add/", addresses.add_organisation, name="organisation_add"),
    path("organisations/<int:pk>/name/", addresses.rename_organisation, name="organisation_name"),
    path("organisations/<int:pk>/sections/add/", addresses.add_address, name="address_add"),
    path("confirm/<str:token>/", addresses.confirm, name="confirm"),
    path("areas/", areas.list_areas, name="areas"),
    path("areas/add/", areas.add_area, name="area_add"),
    path("areas/<int:pk>/", areas.edit_area, name="area_edit"),
    path("hubs/", areas.list_designations, name="designations"),
    path("hubs/add/", areas.add_designation, name="designation_add"),
    path("hubs/<int:pk>/end/", areas.end_designation, name="designation_end"),
]
