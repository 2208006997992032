-- session.sql: who a cookie belongs to. The first two run before anybody is known, under the region alone.

-- name: session_by_token   ($1 region, $2 sha256)
SELECT session_id, account_id, tenant_id, expires_at, $1::bigint AS region_id
  FROM records.session_for_token($1::bigint, $2::bytea)

-- name: account_by_login   ($1 region, $2 login)
SELECT id, tenant_id, password_hash, state, $1::bigint AS region_id
  FROM records.account_for_login($1::bigint, $2)

-- name: account_self   ($1 region, $2 account)
-- Under the account's own scope.
SELECT a.login, a.name, a.locale, a.tenant_id, o.name, o.kind, o.care_level,
       coalesce(a.person_id, 0), coalesce(a.staff_id, 0), s.title,
       (SELECT array_agg(r.role ORDER BY r.role) FROM records.account_roles r
         WHERE r.region_id = a.region_id AND r.account_id = a.id)::text
  FROM records.accounts a
  JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.tenant_id
  LEFT JOIN records.staff s ON s.region_id = a.region_id AND s.id = a.staff_id
 WHERE a.region_id = $1::bigint AND a.id = $2::bigint AND a.state = 'active'

-- name: windows_to_close   ($1 region, $2 accounts[], $3 tenants[], $4 sessions[])
SELECT account_id, session_id, $1::bigint AS region_id
  FROM records.windows_to_close($1::bigint, $2::bigint[], $3::bigint[], $4::bigint[])

-- name: session_insert   ($1 region, $2 id, $3 tenant, $4 account, $5 sha256, $6 life s, $7 idle s)
INSERT INTO records.sessions (region_id, id, tenant_id, account_id, token_hash, created_at, seen_at, expires_at)
VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bytea, now(), now(),
        now() + least($6::int, $7::int) * interval '1 second')

-- name: session_touch   ($1 region, $2 session, $3 life s, $4 idle s)
-- Slides the end, at most once a minute, never past the life of the session.
UPDATE records.sessions
   SET seen_at = now(),
       expires_at = least(created_at + $3::int * interval '1 second', now() + $4::int * interval '1 second')
 WHERE region_id = $1::bigint AND id = $2::bigint AND revoked_at IS NULL AND expires_at > now()
   AND seen_at < now() - interval '1 minute'
RETURNING expires_at

-- name: session_revoke   ($1 region, $2 session)
UPDATE records.sessions SET revoked_at = now()
 WHERE region_id = $1::bigint AND id = $2::bigint AND revoked_at IS NULL

-- name: account_set_locale   ($1 region, $2 account, $3 locale)
UPDATE records.accounts SET locale = $3
 WHERE region_id = $1::bigint AND id = $2::bigint

-- name: region_platform   ($1 region)
-- The organisation that stands for the region: failed logins of unknown names are written under it.
SELECT id FROM records.organisations
 WHERE region_id = $1::bigint ORDER BY (kind = 'region_platform') DESC, id LIMIT 1
