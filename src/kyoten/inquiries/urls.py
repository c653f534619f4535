from django.urls import path

from kyoten.inquiries import views

app_name = "inquiries"
urlpatterns = [
    path("", views.list_inquiries, name="list"),
    path("received/<int:pk>/", views.show_received, name="received"),
    path("received/<int:pk>/read/", views.read, name="read"),
    path("received/<int:pk>/reply/", views.reply, name="reply"),
    path("received/<int:pk>/pass-on/", views.pass_on, name="pass_on"),
    path("asked/<int:pk>/", views.show_asked, name="asked"),
    path("asked/<int:pk>/remind/", views.remind, name="remind"),
    path("asked/<int:pk>/telephone/", views.telephone, name="telephone"),
    path("asked/<int:pk>/due/", views.change_due, name="due"),
    path("mail/<int:pk>/settle/", views.settle_mail, name="settle_mail"),
    path("mail/<int:pk>/file/<int:number>/", views.mail_file, name="mail_file"),
    path("answer/<str:token>/", views.link, name="link"),
]
