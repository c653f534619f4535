from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("consultations", "0003_search_texts"),
        ("organisations", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="consultation",
            name="consultation_email",
        ),
        migrations.AddIndex(
            model_name="consultation",
            index=models.Index(fields=["email", "operator", "-received_at", "-id"], name="consultation_of_caller"),
        ),
    ]
