"""Addresses of 事業設定."""

from django.urls import path

from kyoten.programmes import views

app_name = "programmes"
urlpatterns = [
    path("", views.list_programmes, name="list"),
    path("upload/", views.upload, name="upload"),
    path("publish/", views.publish, name="publish"),
    path("in-charge/", views.in_charge, name="in_charge"),
    path("<slug:slug>/", views.show, name="show"),
    path("<slug:slug>/next-year/", views.next_year, name="next_year"),
    path("<slug:slug>/<int:revision>/", views.show, name="show"),
    path("<slug:slug>/<int:revision>/file/", views.download, name="download"),
    path("<slug:slug>/<int:old>/<int:new>/", views.diff, name="diff"),
]
