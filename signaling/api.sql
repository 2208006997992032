-- api.sql: what the small handlers ask, each as whoever calls.

-- name: consent_texts_now   ($1 region, $2 locale)
-- The newest version in force of each kind.
SELECT DISTINCT ON (kind) kind, version, locale, title, text, text_hash, required_for::text
  FROM records.consent_texts
 WHERE region_id = $1::bigint AND locale = $2 AND effective_from <= now()
 ORDER BY kind, version DESC

-- name: visit_owner   ($1 region, $2 visit)
SELECT v.tenant_id, v.person_id, v.order_id,
       (SELECT array_agg(s.account_id) FROM records.visit_seats s
         WHERE s.region_id = v.region_id AND s.visit_id = v.id AND s.removed_at IS NULL AND s.account_id IS NOT NULL)::text
  FROM records.visits v
 WHERE v.region_id = $1::bigint AND v.id = $2::bigint

-- name: consent_insert   ($1 region, $2 visit, $3 id, $4 kind, $5 version, $6 text hash, $7 granted, $8 account)
-- The hash proves which text was shown; a hash of no text in force inserts nothing. The locale follows from it.
INSERT INTO records.consents (region_id, visit_id, id, tenant_id, person_id, kind, version, locale, text_hash, granted,
                              account_id, at)
SELECT v.region_id, v.id, $3::bigint, v.tenant_id, v.person_id, t.kind, t.version, t.locale, t.text_hash, $7::boolean,
       $8::bigint, now()
  FROM records.visits v
  JOIN records.consent_texts t ON t.region_id = v.region_id AND t.kind = $4 AND t.version = $5::int AND t.text_hash = $6
                              AND t.effective_from <= now()
 WHERE v.region_id = $1::bigint AND v.id = $2::bigint
 LIMIT 1
RETURNING at

-- name: consent_list   ($1 region, $2 visit)
-- The newest answer of each kind; one row of NULLs when nothing was asked yet, none when the visit is not theirs.
SELECT c.kind, c.version, c.granted, c.at, c.account_id, coalesce(s.name, '')
  FROM records.visits v
  LEFT JOIN LATERAL (SELECT DISTINCT ON (x.kind) x.kind, x.version, x.granted, x.at, x.account_id
                       FROM records.consents x
                      WHERE x.region_id = v.region_id AND x.visit_id = v.id
                      ORDER BY x.kind, x.id DESC) c ON true
  LEFT JOIN LATERAL (SELECT seat.name FROM records.visit_seats seat
                      WHERE seat.region_id = v.region_id AND seat.visit_id = v.id AND seat.account_id = c.account_id
                      LIMIT 1) s ON true
 WHERE v.region_id = $1::bigint AND v.id = $2::bigint

-- name: audit_list   ($1 region, $2 after id, $3 subject kind or '', $4 subject id or 0, $5 at most)
SELECT id, at, writer_id, seq, tenant_id, account_id, actor_name, action, subject_kind, subject_id, outcome, detail::text,
       request_id
  FROM records.audit
 WHERE region_id = $1::bigint AND id > $2::bigint
   AND ($3 = '' OR (subject_kind = $3 AND subject_id = $4::bigint))
 ORDER BY id LIMIT $5::int

-- name: access_log   ($1 region, $2 person, $3 at most)
-- A person's own list: staff by name and house, newest first.
SELECT a.at, a.action, a.actor_name, coalesce(o.name, ''), a.subject_kind, a.subject_id
  FROM records.audit a
  LEFT JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.actor_tenant_id
 WHERE a.region_id = $1::bigint AND a.person_id = $2::bigint
 ORDER BY a.id DESC LIMIT $3::int

-- name: person_is_visible   ($1 region, $2 person)
SELECT tenant_id FROM records.persons WHERE region_id = $1::bigint AND id = $2::bigint

-- name: people_by_prefix   ($1 region, $2 prefix, $3 first text behind all that begin so, $4 at most)
-- A range comparison: LIKE loses its index under row security.
SELECT id, name, sex, birth_date::text
  FROM records.persons
 WHERE region_id = $1::bigint AND name >= $2 COLLATE "C" AND name < $3 COLLATE "C"
 ORDER BY name, id LIMIT $4::int
