-- 0002_records: nothing exists before it, so there is nothing to fill.

-- after

-- Every table with people, visits, consents, recordings or audit enforces row security on its owner, too.
SELECT c.relname AS "row security is not forced" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'records' AND c.relkind IN ('r', 'p') AND c.relname <> 'regions'
   AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

-- No daemon role steps around it, and none is a member of the owner.
SELECT rolname AS "role bypasses row security" FROM pg_roles
 WHERE rolname IN ('yz_signald', 'yz_schedulerd', 'yz_audit_ro')
   AND (rolsuper OR rolbypassrls OR pg_has_role(rolname, 'yz_owner', 'member'));

-- Append-only means: no daemon may change or remove a row.
SELECT r.role, t.name AS "may be changed" FROM unnest(ARRAY['yz_signald', 'yz_schedulerd', 'yz_audit_ro']) r (role),
       unnest(ARRAY['records.audit', 'records.events', 'records.consents', 'records.visit_notes', 'records.audit_seals']) t (name)
 WHERE has_table_privilege(r.role, t.name, 'DELETE') OR has_table_privilege(r.role, t.name, 'TRUNCATE')
    OR has_any_column_privilege(r.role, t.name, 'UPDATE');

-- The password hash leaves only through account_for_login().
SELECT NOT has_column_privilege('yz_signald', 'records.accounts', 'password_hash', 'SELECT')
   AND NOT has_column_privilege('yz_schedulerd', 'records.accounts', 'password_hash', 'SELECT');
