from django.urls import path

from kyoten.consultations.views import cases, lists

app_name = "consultations"
urlpatterns = [
    path("", lists.list_cases, name="list"),
    path("<int:pk>/", cases.show, name="case"),
    path("<int:pk>/assign/", cases.assign, name="assign"),
    path("<int:pk>/note/", cases.note, name="note"),
    path("<int:pk>/describe/", cases.describe, name="describe"),
    path("<int:pk>/refer/", cases.refer, name="refer"),
    path("<int:pk>/draft/", cases.draft, name="draft"),
    path("<int:pk>/decide/", cases.decide, name="decide"),
    path("<int:pk>/callback/", cases.callback, name="callback"),
    path("<int:pk>/callback/<int:row>/", cases.called_back, name="called_back"),
    path("<int:pk>/close/", cases.close, name="close"),
    path("<int:pk>/merge/", cases.merge, name="merge"),
    path("<int:pk>/warning/", cases.settle_warning, name="settle_warning"),
    path("<int:pk>/message/<int:message>/split/", cases.split, name="split"),
    path("<int:pk>/message/<int:message>/file/<int:number>/", cases.message_file, name="message_file"),
    path("<slug:slug>/log/", lists.log, name="log"),
    path("<slug:slug>/ask/", lists.ask, name="ask"),
]
