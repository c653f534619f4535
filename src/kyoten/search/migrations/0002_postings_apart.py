from django.db import migrations

POSTGRES = [
    "CREATE TABLE search_posting (id bigint NOT NULL, codes bigint[] NOT NULL) WITH (toast_tuple_target = 128)",
    "ALTER TABLE search_posting ALTER codes SET STORAGE EXTERNAL",
    "INSERT INTO search_posting (id, codes) SELECT id, codes::bigint[] FROM search_entry ORDER BY id",
    "ALTER TABLE search_posting ADD CONSTRAINT search_posting_pkey PRIMARY KEY (id)",
    "CREATE INDEX search_posting_codes ON search_posting USING gin (codes) WITH (gin_pending_list_limit = 256)",
    "ALTER TABLE search_entry DROP COLUMN codes",
    "ALTER TABLE search_entry ALTER text SET STORAGE EXTERNAL",  # comparing takes half the time of unpacking
    # No text, no postings, whoever took it away (tests, a restored copy).
    """CREATE FUNCTION search_entry_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'TRUNCATE' THEN TRUNCATE search_posting;
        ELSE DELETE FROM search_posting WHERE id IN (SELECT id FROM gone); END IF;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER search_entry_gone AFTER DELETE ON search_entry REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION search_entry_gone()""",
    """CREATE TRIGGER search_entry_emptied AFTER TRUNCATE ON search_entry
        FOR EACH STATEMENT EXECUTE FUNCTION search_entry_gone()""",
]
POSTGRES_BACK = [
    "DROP FUNCTION search_entry_gone() CASCADE",
    "ALTER TABLE search_entry ALTER text SET STORAGE EXTENDED",
    "ALTER TABLE search_entry ADD COLUMN codes int[] NOT NULL DEFAULT '{}'",
    "UPDATE search_entry e SET codes = p.codes::int[] FROM search_posting p WHERE p.id = e.id",
    "CREATE INDEX search_entry_codes ON search_entry USING gin (codes) WITH (gin_pending_list_limit = 256)",
    "DROP TABLE search_posting",
]


def take_apart(apps, schema_editor):
    run(schema_editor, POSTGRES)


def put_together(apps, schema_editor):
    run(schema_editor, POSTGRES_BACK)


def run(schema_editor, statements):
    for statement in statements if schema_editor.connection.vendor == "postgresql" else ():
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]

    operations = [migrations.RunPython(take_apart, put_together)]
