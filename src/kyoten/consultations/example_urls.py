from django.urls import path

from kyoten.consultations.views import knowledge

app_name = "examples"
urlpatterns = [
    path("", knowledge.list_examples, name="list"),
    path("<int:pk>/", knowledge.show_example, name="show"),
    path("<int:pk>/decide/", knowledge.decide_example, name="decide"),
]
