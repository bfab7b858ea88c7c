"""SQL of templates, their variants, versions, history and uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from sojourn.kit.database import Conn, Jsonb, Row, execute, fetch_all, fetch_optional
from sojourn.templates.model import (
    Category,
    HistoryEntry,
    LogicalTemplate,
    TemplateId,
    UnknownTemplate,
    VariablePolicy,
    Variant,
    VariantState,
)

VARIABLES = dict[str, VariablePolicy]


async def get_templates_for_send(
    conn: Conn, workspace_id: UUID, names: Iterable[str | UUID], *, waba_id: str | None = None
) -> dict[str, LogicalTemplate]:
    """Templates by name or id (as text), with their variants in one business account; keyed by what was asked for.

    Without an account, each language has its approved variant wherever it is. Unknown and archived ones are left out.
    """
    wanted = {str(name) for name in names}
    params = {"workspace": workspace_id, "names": sorted(wanted), "waba": waba_id}
    rows = await fetch_all(conn, SQL_FOR_SEND, params)
    found = {template.id: template for template in _templates(rows)}
    keyed: dict[str, LogicalTemplate] = {}
    for template in found.values():
        for key in (template.name, str(template.id)):
            if key in wanted:
                keyed[key] = template
    return keyed


async def get_template(conn: Conn, workspace_id: UUID, template_id: UUID) -> LogicalTemplate:
    """One template with all its variants. Raises UnknownTemplate."""
    rows = await fetch_all(conn, SQL_GET, {"workspace": workspace_id, "id": template_id, "name": None})
    if not rows:
        raise UnknownTemplate(template_id=str(template_id))
    return _templates(rows)[0]


async def find_template(conn: Conn, workspace_id: UUID, name: str) -> LogicalTemplate | None:
    """The template of a name, or None."""
    rows = await fetch_all(conn, SQL_GET, {"workspace": workspace_id, "id": None, "name": name})
    return _templates(rows)[0] if rows else None


async def list_templates(
    conn: Conn, workspace_id: UUID, *, after: UUID | None, limit: int, name: str | None = None
) -> list[LogicalTemplate]:
    """Templates that are not archived, oldest first."""
    params = {"workspace": workspace_id, "after": after, "limit": limit, "name": name}
    return _templates(await fetch_all(conn, SQL_LIST, params))


async def lock_template(conn: Conn, workspace_id: UUID, template_id: UUID) -> None:
    """Lock a template until the transaction ends. Raises UnknownTemplate."""
    if await fetch_optional(conn, SQL_LOCK, {"workspace": workspace_id, "id": template_id}) is None:
        raise UnknownTemplate(template_id=str(template_id))


async def insert_template(conn: Conn, workspace_id: UUID, template: LogicalTemplate, now: datetime) -> bool:
    """Write a template without its variants; False when its name is taken."""
    return await execute(conn, SQL_INSERT, _template_params(workspace_id, template, now)) == 1


async def update_template(conn: Conn, workspace_id: UUID, template: LogicalTemplate, now: datetime) -> None:
    """Write what may change of a template."""
    await execute(conn, SQL_UPDATE, _template_params(workspace_id, template, now))


async def update_archived(conn: Conn, workspace_id: UUID, template_id: UUID, now: datetime) -> None:
    """Archive a template."""
    await execute(conn, SQL_ARCHIVE, {"workspace": workspace_id, "id": template_id, "now": now})


async def upsert_variants(conn: Conn, workspace_id: UUID, rows: Sequence[tuple[UUID, Variant]], now: datetime) -> None:
    """Write variants of templates (template id, variant) with all that may change."""
    if not rows:
        return
    variants = [variant for _, variant in rows]
    params: dict[str, Any] = {
        name: [getattr(variant, name) for variant in variants]
        for name in (
            "id",
            "waba_id",
            "language",
            "correct_category",
            "quality",
            "provider_template_id",
            "rejected_reason",
            "ttl_seconds",
            "version",
        )
    }
    params |= {
        "templates": [template_id for template_id, _ in rows],
        "states": [str(variant.state) for variant in variants],
        "categories": [str(variant.category) for variant in variants],
        "components": [Jsonb(variant.components) for variant in variants],
        "workspace": workspace_id,
        "now": now,
    }
    await execute(conn, SQL_UPSERT_VARIANTS, params)


async def delete_variants(conn: Conn, ids: Sequence[UUID]) -> None:
    """Delete variants that no provider knows."""
    await execute(conn, SQL_DELETE_VARIANTS, {"ids": list(ids)})


async def lock_variant(conn: Conn, workspace_id: UUID, variant_id: UUID) -> tuple[LogicalTemplate, Variant] | None:
    """A variant with its template, or None; locks all variants of that template."""
    row = await fetch_optional(conn, SQL_TEMPLATE_OF, {"workspace": workspace_id, "variant": variant_id})
    if row is None:
        return None
    rows = await fetch_all(conn, SQL_LOCK_VARIANTS, {"workspace": workspace_id, "id": row["template_id"]})
    for one in rows:
        if one["variant_id"] == variant_id:
            return _template(one), _variant(one)
    return None


async def list_account_variants(
    conn: Conn, workspace_id: UUID, waba_id: str, *, names: Sequence[str] | None = None
) -> list[tuple[LogicalTemplate, Variant]]:
    """Variants of one business account and drafts of none, locked, with their templates; of some names when given."""
    params = {"workspace": workspace_id, "waba": waba_id, "names": None if names is None else list(names)}
    return [(_template(row), _variant(row)) for row in await fetch_all(conn, SQL_ACCOUNT_VARIANTS, params)]


async def list_variants(conn: Conn, workspace_id: UUID, template_id: UUID) -> list[Variant]:
    """All variants of a template, every account's."""
    rows = await fetch_all(conn, SQL_GET_ALL_VARIANTS, {"workspace": workspace_id, "id": template_id})
    return [_variant(row) for row in rows if row["variant_id"] is not None]


async def insert_version(
    conn: Conn, template_id: UUID, version: int, content: dict[str, Any], actor: str, *, now: datetime
) -> None:
    """Keep the content of a version."""
    params = {"id": template_id, "version": version, "content": Jsonb(content), "actor": actor, "now": now}
    await execute(conn, SQL_INSERT_VERSION, params)


async def list_versions(conn: Conn, template_id: UUID) -> list[Row]:
    """Versions, newest first: `version`, `content`, `actor`, `created_at`."""
    return await fetch_all(conn, SQL_LIST_VERSIONS, {"id": template_id})


async def insert_history(conn: Conn, workspace_id: UUID, entries: Sequence[HistoryEntry]) -> None:
    """Append to the history."""
    if entries:
        params: dict[str, Any] = {name: [getattr(one, name) for one in entries] for name in HistoryEntry.__slots__}
        await execute(conn, SQL_INSERT_HISTORY, {**params, "workspace": workspace_id})


async def list_history(conn: Conn, workspace_id: UUID, template_id: UUID, *, limit: int = 200) -> list[HistoryEntry]:
    """What the provider did to a template, newest first."""
    params = {"workspace": workspace_id, "id": template_id, "limit": limit}
    return [HistoryEntry(**row) for row in await fetch_all(conn, SQL_LIST_HISTORY, params)]


async def replace_uses(
    conn: Conn, template_ids: Sequence[UUID], owner_kind: str, owner_id: UUID, now: datetime
) -> None:
    """Say which templates an owner builds on; what it said before is forgotten."""
    params = {"ids": list(template_ids), "kind": owner_kind, "owner": owner_id, "now": now}
    await execute(conn, SQL_DELETE_USES, params)
    await execute(conn, SQL_INSERT_USES, params)


async def list_uses(conn: Conn, template_id: UUID) -> list[Row]:
    """Who builds on a template: `owner_kind`, `owner_id`."""
    return await fetch_all(conn, SQL_LIST_USES, {"id": template_id})


def _template_params(workspace_id: UUID, template: LogicalTemplate, now: datetime) -> dict[str, Any]:
    return {
        "workspace": workspace_id,
        "id": template.id,
        "name": template.name,
        "purpose": template.purpose,
        "category": str(template.category),
        "language": template.default_language,
        "format": template.parameter_format,
        "variables": Jsonb(dict(template.variables)),
        "version": template.version,
        "now": now,
    }


def _templates(rows: Sequence[Row]) -> list[LogicalTemplate]:
    """Templates from joined rows; where a language has several variants, the first row's is taken."""
    found: dict[UUID, LogicalTemplate] = {}
    variants: dict[UUID, dict[str, Variant]] = {}
    for row in rows:
        known = variants.setdefault(row["id"], {})
        if row["id"] not in found:
            found[row["id"]] = _template(row, known)
        if row["variant_id"] is not None:
            known.setdefault(row["language"], _variant(row))
    return list(found.values())


def _template(row: Row, variants: dict[str, Variant] | None = None) -> LogicalTemplate:
    return LogicalTemplate(
        id=TemplateId(row["id"]),
        name=row["name"],
        purpose=row["purpose"],
        category=Category(row["category"]),
        default_language=row["default_language"],
        parameter_format=row["parameter_format"],
        variables=msgspec.convert(row["variables"], VARIABLES),
        variants={} if variants is None else variants,
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        archived_at=row["archived_at"],
    )


def _variant(row: Row) -> Variant:
    return Variant(
        id=row["variant_id"],
        language=row["language"],
        state=VariantState(row["state"]),
        category=Category(row["variant_category"]),
        components=row["components"],
        quality=row["quality"],
        waba_id=row["waba_id"],
        provider_template_id=row["provider_template_id"],
        rejected_reason=row["rejected_reason"],
        correct_category=row["correct_category"],
        ttl_seconds=row["ttl_seconds"],
        version=row["variant_version"],
    )


SELECTED: LiteralString = """
SELECT t.id, t.name, t.purpose, t.category, t.default_language, t.parameter_format, t.variables, t.version,
       t.created_at, t.updated_at, t.archived_at,
       v.id AS variant_id, v.language, v.state, v.category AS variant_category, v.components, v.quality, v.waba_id,
       v.provider_template_id, v.rejected_reason, v.correct_category, v.ttl_seconds, v.version AS variant_version
"""
# The account's own variant before a draft; among accounts the approved one first.
BEST_FIRST: LiteralString = """
 ORDER BY t.id, v.language, (v.state = 'approved') DESC, (v.waba_id <> '') DESC, v.id
"""
SQL_FOR_SEND: LiteralString = (
    SELECTED
    + """
  FROM templates t
  LEFT JOIN template_variants v
    ON v.template_id = t.id AND (%(waba)s::text IS NULL OR v.waba_id IN (%(waba)s::text, ''))
 WHERE t.workspace_id = %(workspace)s AND t.archived_at IS NULL
   AND (t.name = ANY(%(names)s) OR t.id::text = ANY(%(names)s))
 ORDER BY t.id, v.language, (v.waba_id <> '') DESC, (v.state = 'approved') DESC, v.id
"""
)
SQL_GET: LiteralString = (
    SELECTED
    + """
  FROM templates t
  LEFT JOIN template_variants v ON v.template_id = t.id
 WHERE t.workspace_id = %(workspace)s AND (t.id = %(id)s::uuid OR t.name = %(name)s::text)
"""
    + BEST_FIRST
)
SQL_LIST: LiteralString = (
    SELECTED  # noqa: S608 - every part of it stands in this file
    + """
  FROM (SELECT * FROM templates
         WHERE workspace_id = %(workspace)s AND archived_at IS NULL
           AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
           AND (%(name)s::text IS NULL OR name = %(name)s::text)
         ORDER BY id
         LIMIT %(limit)s) t
  LEFT JOIN template_variants v ON v.template_id = t.id
"""
    + BEST_FIRST
)
SQL_GET_ALL_VARIANTS: LiteralString = (
    SELECTED
    + """
  FROM templates t
  JOIN template_variants v ON v.template_id = t.id
 WHERE t.workspace_id = %(workspace)s AND t.id = %(id)s
"""
    + BEST_FIRST
)
SQL_LOCK_VARIANTS: LiteralString = SQL_GET_ALL_VARIANTS + " FOR UPDATE OF v"
SQL_ACCOUNT_VARIANTS: LiteralString = (
    SELECTED
    + """
  FROM templates t
  JOIN template_variants v ON v.template_id = t.id
 WHERE t.workspace_id = %(workspace)s AND v.waba_id IN (%(waba)s, '')
   AND (%(names)s::text[] IS NULL OR t.name = ANY(%(names)s::text[]))
 ORDER BY v.id
   FOR UPDATE OF v
"""
)
SQL_TEMPLATE_OF: LiteralString = """
SELECT template_id FROM template_variants WHERE workspace_id = %(workspace)s AND id = %(variant)s
"""
SQL_LOCK: LiteralString = """
SELECT id FROM templates WHERE workspace_id = %(workspace)s AND id = %(id)s FOR UPDATE
"""
SQL_INSERT: LiteralString = """
INSERT INTO templates (id, workspace_id, name, purpose, category, default_language, parameter_format, variables,
                       version, created_at, updated_at)
VALUES (%(id)s, %(workspace)s, %(name)s, %(purpose)s, %(category)s, %(language)s, %(format)s, %(variables)s,
        %(version)s, %(now)s, %(now)s)
ON CONFLICT (workspace_id, name) DO NOTHING
"""
SQL_UPDATE: LiteralString = """
UPDATE templates
   SET category = %(category)s, default_language = %(language)s, variables = %(variables)s, version = %(version)s,
       purpose = %(purpose)s, updated_at = %(now)s
 WHERE workspace_id = %(workspace)s AND id = %(id)s
"""
SQL_ARCHIVE: LiteralString = """
UPDATE templates SET archived_at = %(now)s, updated_at = %(now)s WHERE workspace_id = %(workspace)s AND id = %(id)s
"""
SQL_UPSERT_VARIANTS: LiteralString = """
INSERT INTO template_variants AS v (id, workspace_id, template_id, waba_id, language, state, category,
                                    correct_category, quality, components, provider_template_id, rejected_reason,
                                    ttl_seconds, version, created_at, updated_at)
SELECT id, %(workspace)s, template_id, waba_id, language, state, category, correct_category, quality, components,
       provider_template_id, rejected_reason, ttl_seconds, version, %(now)s, %(now)s
  FROM unnest(%(id)s::uuid[], %(templates)s::uuid[], %(waba_id)s::text[], %(language)s::text[], %(states)s::text[],
              %(categories)s::text[], %(correct_category)s::text[], %(quality)s::text[], %(components)s::jsonb[],
              %(provider_template_id)s::text[], %(rejected_reason)s::text[], %(ttl_seconds)s::int[],
              %(version)s::int[])
       AS t (id, template_id, waba_id, language, state, category, correct_category, quality, components,
             provider_template_id, rejected_reason, ttl_seconds, version)
ON CONFLICT (id) DO UPDATE
   SET waba_id = excluded.waba_id, state = excluded.state, category = excluded.category,
       correct_category = excluded.correct_category, quality = excluded.quality, components = excluded.components,
       provider_template_id = excluded.provider_template_id, rejected_reason = excluded.rejected_reason,
       ttl_seconds = excluded.ttl_seconds, version = excluded.version, updated_at = excluded.updated_at
"""
SQL_DELETE_VARIANTS: LiteralString = """
DELETE FROM template_variants WHERE id = ANY(%(ids)s) AND provider_template_id IS NULL
"""
SQL_INSERT_VERSION: LiteralString = """
INSERT INTO template_versions (template_id, version, content, actor, created_at)
VALUES (%(id)s, %(version)s, %(content)s, %(actor)s, %(now)s)
ON CONFLICT DO NOTHING
"""
SQL_LIST_VERSIONS: LiteralString = """
SELECT version, content, actor, created_at FROM template_versions WHERE template_id = %(id)s ORDER BY version DESC
"""
SQL_INSERT_HISTORY: LiteralString = """
INSERT INTO template_history (id, workspace_id, template_id, variant_id, what, old_value, new_value, reason, source,
                              recorded_at)
SELECT id, %(workspace)s, template_id, variant_id, what, old_value, new_value, reason, source, recorded_at
  FROM unnest(%(id)s::uuid[], %(template_id)s::uuid[], %(variant_id)s::uuid[], %(what)s::text[], %(old_value)s::text[],
              %(new_value)s::text[], %(reason)s::text[], %(source)s::text[], %(recorded_at)s::timestamptz[])
       AS t (id, template_id, variant_id, what, old_value, new_value, reason, source, recorded_at)
"""
SQL_LIST_HISTORY: LiteralString = """
SELECT id, template_id, variant_id, what, old_value, new_value, reason, source, recorded_at
  FROM template_history
 WHERE workspace_id = %(workspace)s AND template_id = %(id)s
 ORDER BY recorded_at DESC, id DESC
 LIMIT %(limit)s
"""
SQL_DELETE_USES: LiteralString = """
DELETE FROM template_uses WHERE owner_kind = %(kind)s AND owner_id = %(owner)s
"""
SQL_INSERT_USES: LiteralString = """
INSERT INTO template_uses (template_id, owner_kind, owner_id, created_at)
SELECT id, %(kind)s, %(owner)s, %(now)s FROM unnest(%(ids)s::uuid[]) AS t (id)
ON CONFLICT DO NOTHING
"""
SQL_LIST_USES: LiteralString = """
SELECT owner_kind, owner_id FROM template_uses WHERE template_id = %(id)s ORDER BY created_at
"""
