-- The schema rules asked of the database's own catalogue: what a migration really made, however it was written.
-- Each statement gives one row per offender: its name. Text rules (migrations.mjs) speak of the same from the DDL.
-- A table whose comment begins with 'reference' is the same in every region.

-- name: rule_keys_begin_with_region
SELECT c.oid::regclass || ': ' || i.indexrelid::regclass
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
 WHERE i.indisunique AND n.nspname !~ '^(pg_|information_schema)'
   AND a.attname IS DISTINCT FROM 'region_id'
   AND coalesce(obj_description(c.oid, 'pg_class'), '') !~ '^reference'
 ORDER BY 1

-- name: rule_foreign_keys_begin_with_region
SELECT k.conrelid::regclass || ': ' || k.conname
  FROM pg_constraint k
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
  JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
 WHERE k.contype = 'f' AND (a.attname <> 'region_id' OR f.attname <> 'region_id')
 ORDER BY 1

-- name: rule_foreign_keys_follow_the_arrows
SELECT k.conrelid::regclass || ': ' || k.conname
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_class f ON f.oid = k.confrelid
 WHERE k.contype = 'f' AND c.relnamespace <> f.relnamespace AND f.relnamespace <> to_regnamespace('records')
 ORDER BY 1

-- name: rule_portable_constraints
SELECT k.conrelid::regclass || ': ' || k.conname
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE n.nspname !~ '^(pg_|information_schema)'
   AND (k.condeferrable OR k.contype IN ('x', 't') OR k.confupdtype NOT IN ('a', ' ') OR k.confdeltype NOT IN ('a', ' '))
 ORDER BY 1

-- name: rule_no_sequences
SELECT c.oid::regclass::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND n.nspname !~ '^(pg_|information_schema)'
 ORDER BY 1

-- name: rule_no_triggers
SELECT tgrelid::regclass || ': ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'event trigger ' || evtname FROM pg_event_trigger
UNION ALL
SELECT r.ev_class::regclass || ': rule ' || r.rulename
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rulename <> '_RETURN' AND n.nspname !~ '^(pg_|information_schema)'
 ORDER BY 1

-- name: rule_functions_are_portable_and_safe
SELECT p.oid::regprocedure::text
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname !~ '^(pg_|information_schema)'
   AND (p.prosrc ~* '\m(pg_(try_)?advisory_|pg_notify|notify|listen|lock\s+table|create\s+temp)'
     OR (p.prosecdef AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) g WHERE g ~ '^search_path=')))
 ORDER BY 1

-- name: rule_tables_have_a_tenant
SELECT c.oid::regclass::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema)'
   AND coalesce(obj_description(c.oid, 'pg_class'), '') !~ '\mno tenant:'
   AND NOT EXISTS (SELECT 1 FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull
                      AND a.atttypid = 'bigint'::regtype)
 ORDER BY 1

-- name: rule_row_security_is_forced
SELECT c.oid::regclass::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema)'
   AND coalesce(obj_description(c.oid, 'pg_class'), '') !~ '^reference'
   AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
 ORDER BY 1

-- name: rule_roles_are_least
SELECT rolname || ' is above row security' FROM pg_roles
 WHERE rolname ~ '^yz_' AND rolname <> 'yz_admin' AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolreplication)
UNION ALL
SELECT m.roleid::regrole || ' is granted to ' || m.member::regrole FROM pg_auth_members m
 WHERE m.roleid::regrole::text ~ '^yz_' AND m.member::regrole::text ~ '^yz_'
UNION ALL
SELECT c.oid::regclass || ' belongs to ' || c.relowner::regrole
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^(pg_|information_schema)' AND c.relowner::regrole::text <> 'yz_owner'
UNION ALL
SELECT c.oid::regclass || ' is open to everybody'
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x
 WHERE n.nspname !~ '^(pg_|information_schema)' AND x.grantee = 0
 ORDER BY 1

-- name: rule_columns_speak_our_units
-- Times know their zone, money is whole fen, ids are 64 bit.
SELECT a.attrelid::regclass || '.' || a.attname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^(pg_|information_schema)'
   AND (a.atttypid IN ('timestamp'::regtype, 'money'::regtype, 'timetz'::regtype) OR a.attidentity <> ''
     OR (a.attname ~ '_fen$' AND a.atttypid <> 'bigint'::regtype)
     OR (a.attname ~ '^(id|.*_id)$' AND a.atttypid IN ('integer'::regtype, 'smallint'::regtype)))
 ORDER BY 1
