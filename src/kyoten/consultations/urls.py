from django.urls import path

from kyoten.consultations.views import cases, knowledge, lists, people

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
    path("<int:pk>/message/<int:message>/mask/", knowledge.mask, name="mask"),
    path("<int:pk>/consent/", knowledge.consent, name="consent"),
    path("<int:pk>/example/", knowledge.propose, name="propose"),
    path("<int:pk>/suggest/", knowledge.suggest, name="suggest"),
    path("check-personal/", knowledge.check_personal, name="check_personal"),
    path("export/", knowledge.export, name="export"),
    path("guide/", knowledge.guide, name="guide"),
    path("guide/add/", knowledge.guide_edit, name="guide_add"),
    path("guide/<int:pk>/", knowledge.guide_edit, name="guide_edit"),
    path("readers/", people.readers, name="readers"),
    path("person/", people.person, name="person"),
    path("person/paper/", people.person_paper, name="person_paper"),
    path("person/delete/", people.person_delete, name="person_delete"),
    path("<slug:slug>/log/", lists.log, name="log"),
    path("<slug:slug>/ask/", lists.ask, name="ask"),
]
