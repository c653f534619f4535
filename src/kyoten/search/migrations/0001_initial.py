from django.db import migrations, models

SQLITE = [
    """CREATE VIRTUAL TABLE search_posting
        USING fts5(tokens, content='', detail=none, columnsize=0, tokenize='ascii')""",
    # An emptied table has an empty index, whoever emptied it (tests, a restored copy).
    """CREATE TRIGGER search_entry_emptied AFTER DELETE ON search_entry WHEN NOT EXISTS (SELECT 1 FROM search_entry)
        BEGIN INSERT INTO search_posting (search_posting) VALUES ('delete-all'); END""",
]
SQLITE_BACK = ["DROP TRIGGER search_entry_emptied", "DROP TABLE search_posting"]
POSTGRES = [
    "ALTER TABLE search_entry ADD COLUMN codes int[] NOT NULL DEFAULT '{}'",
    "CREATE INDEX search_entry_codes ON search_entry USING gin (codes) WITH (gin_pending_list_limit = 256)",
]
POSTGRES_BACK = ["ALTER TABLE search_entry DROP COLUMN codes"]


def make_index(apps, schema_editor):
    run(schema_editor, SQLITE, POSTGRES)


def drop_index(apps, schema_editor):
    run(schema_editor, SQLITE_BACK, POSTGRES_BACK)


def run(schema_editor, sqlite, postgres):
    for statement in postgres if schema_editor.connection.vendor == "postgresql" else sqlite:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("scope", models.BigIntegerField()),
                ("kind", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                ("text", models.TextField()),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["scope", "id"], name="search_entry_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "record_id"), name="one_search_entry_per_record")
                ],
            },
        ),
        migrations.RunPython(make_index, drop_index),
    ]
