-- Statements of the operator's command; run as yz_owner (cluster_* as the administrator of the private cluster).

-- name: cli_database_exists
SELECT count(*) FROM pg_catalog.pg_database WHERE datname = 'yunzhen';

-- name: cli_regions
SELECT region_id, name FROM records.regions ORDER BY region_id;

-- name: cli_tenants   ($1 region)
SELECT o.id, o.kind, o.care_level, o.name, p.name AS parent, o.state
  FROM records.organisations o
  LEFT JOIN records.organisations p ON p.region_id = o.region_id AND p.id = o.parent_id
 WHERE o.region_id = $1 ORDER BY o.kind, o.care_level NULLS FIRST, o.id;

-- name: cli_tenant   ($1 region, $2 id)
SELECT o.id, o.name, o.kind, o.care_level, p.name AS parent, o.division, o.state,
       (SELECT count(*) FROM records.staff s WHERE s.region_id = o.region_id AND s.tenant_id = o.id) AS staff,
       (SELECT count(*) FROM records.accounts a WHERE a.region_id = o.region_id AND a.tenant_id = o.id) AS accounts,
       (SELECT count(*) FROM records.persons r WHERE r.region_id = o.region_id AND r.tenant_id = o.id) AS persons,
       (SELECT count(*) FROM records.visits v WHERE v.region_id = o.region_id AND v.tenant_id = o.id) AS visits
  FROM records.organisations o
  LEFT JOIN records.organisations p ON p.region_id = o.region_id AND p.id = o.parent_id
 WHERE o.region_id = $1 AND o.id = $2;

-- name: cli_users   ($1 region, $2 role or NULL, $3 tenant or NULL)
SELECT a.login, a.name,
       (SELECT string_agg(r.role, ',' ORDER BY r.role) FROM records.account_roles r
         WHERE r.region_id = a.region_id AND r.account_id = a.id) AS roles,
       o.name AS tenant, a.tenant_id, a.state, a.id
  FROM records.accounts a
  JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.tenant_id
 WHERE a.region_id = $1
   AND ($2::text IS NULL OR EXISTS (SELECT FROM records.account_roles r
                                     WHERE r.region_id = a.region_id AND r.account_id = a.id AND r.role = $2))
   AND ($3::bigint IS NULL OR a.tenant_id = $3)
 ORDER BY a.login;

-- name: cli_account   ($1 region, $2 login)
SELECT a.id, a.tenant_id, a.state,
       (SELECT array_agg(r.role ORDER BY r.role) FROM records.account_roles r
         WHERE r.region_id = a.region_id AND r.account_id = a.id) AS roles
  FROM records.accounts a
 WHERE a.region_id = $1 AND a.login = lower($2);

-- name: cli_accounts_without_password   ($1 region)
SELECT a.login, a.name, o.name AS tenant,
       (SELECT string_agg(r.role, ',' ORDER BY r.role) FROM records.account_roles r
         WHERE r.region_id = a.region_id AND r.account_id = a.id) AS roles
  FROM records.accounts a
  JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.tenant_id
 WHERE a.region_id = $1 AND a.password_hash = '!'
 ORDER BY a.id;

-- name: cli_set_password   ($1 region, $2 login, $3 hash)
-- Whoever sets a password ends the sessions that were opened with the old one.
WITH account AS (
    UPDATE records.accounts SET password_hash = $3
     WHERE region_id = $1 AND login = lower($2)
    RETURNING region_id, id),
closed AS (
    UPDATE records.sessions s SET revoked_at = now()
      FROM account a
     WHERE s.region_id = a.region_id AND s.account_id = a.id AND s.revoked_at IS NULL AND s.expires_at > now()
    RETURNING 1)
SELECT a.id, (SELECT count(*) FROM closed) AS sessions_ended FROM account a;

-- name: cli_add_staff_account   ($1 region, $2 account, $3 staff, $4 tenant, $5 login, $6 hash, $7 name, $8 title, $9 role)
WITH member AS (
    INSERT INTO records.staff (region_id, id, tenant_id, name, title)
    VALUES ($1, $3, $4, $7, $8) RETURNING region_id, id),
account AS (
    INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, staff_id)
    SELECT m.region_id, $2, $4, lower($5), $6, $7, m.id FROM member m RETURNING region_id, id, tenant_id)
INSERT INTO records.account_roles (region_id, account_id, role, tenant_id)
SELECT region_id, id, $9, tenant_id FROM account
RETURNING account_id AS id;

-- name: cli_add_patient_account   ($1 region, $2 account, $3 person, $4 tenant, $5 login, $6 hash, $7 name, $8 sex, $9 birth date)
WITH person AS (
    INSERT INTO records.persons (region_id, id, tenant_id, name, sex, birth_date)
    VALUES ($1, $3, $4, $7, $8, $9) RETURNING region_id, id),
account AS (
    INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, person_id)
    SELECT p.region_id, $2, $4, lower($5), $6, $7, p.id FROM person p RETURNING region_id, id, tenant_id)
INSERT INTO records.account_roles (region_id, account_id, role, tenant_id)
SELECT region_id, id, 'patient', tenant_id FROM account
RETURNING account_id AS id;

-- name: cli_rooms   ($1 region, $2 closed ones too)
SELECT r.room_id AS room, r.state, r.worker, r.epoch, r.until, r.opened_at, r.visit_id,
       (SELECT count(*) FROM signaling.machine_peers p
         WHERE p.region_id = r.region_id AND p.room_id = r.room_id AND p.ended_at IS NULL) AS machines
  FROM signaling.rooms r
 WHERE r.region_id = $1 AND ($2::boolean OR r.state = 'open')
 ORDER BY r.opened_at DESC LIMIT 1000;
