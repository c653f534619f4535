"""Addresses of the post office."""

from django.urls import path

from kyoten.post import views

app_name = "post"
urlpatterns = [
    path("mailbox/", views.mailbox, name="mailbox"),
    path("mailbox/<int:pk>/", views.mail, name="mail"),
    path("mailbox/<int:pk>/reply/", views.mail_reply, name="mail_reply"),
    path("mailbox/<int:pk>/files/<int:attachment>/", views.mail_attachment, name="mail_attachment"),
    path("failures/", views.failures, name="failures"),
    path("failures/<int:pk>/", views.failure, name="failure"),
    path("failures/<int:pk>/resend/", views.failure_resend, name="failure_resend"),
    path("failures/<int:pk>/settle/", views.failure_settle, name="failure_settle"),
    path("attention/", views.attention, name="attention"),
    path("attention/<int:pk>/", views.attention_mail, name="attention_mail"),
    path("attention/<int:pk>/original/", views.attention_file, name="attention_file"),
    path("attention/<int:pk>/settle/", views.attention_settle, name="attention_settle"),
]
