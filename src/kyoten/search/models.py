"""One searchable text per record that may be found: a message, an attachment, a case, an example."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """What is compared when somebody searches. Its id is its place in time: newest first is ORDER BY id DESC.

    Rows are written by `actions` alone, together with their place in the index (`sqlite`, `postgres`).
    """

    id = models.BigIntegerField(primary_key=True)  # microseconds since 1970, the next free one
    scope = models.BigIntegerField()  # the id of the body that may see it
    kind = models.CharField(max_length=40)  # a slug, as everywhere in records
    record_id = models.BigIntegerField()
    text = models.TextField()  # normalised (rules.search_text)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["kind", "record_id"], name="one_search_entry_per_record")]
        indexes = [models.Index(fields=["scope", "id"], name="search_entry_newest")]
