-- 0004_reading: new tables only; a grant that stood before still stands.

INSERT INTO records.regions (region_id, name) VALUES (990000, 'check');
INSERT INTO records.organisations (region_id, id, tenant_id, name, kind, division) VALUES (990000, 1, 1, 'check', 'hospital', '990000');
INSERT INTO records.access (region_id, subject_id, tenant_id, purpose, id, granted_at, until)
VALUES (990000, 5, 1, 'care', 7, now(), now() + interval '1 hour');

-- after

SELECT count(*) = 1 FROM records.access WHERE region_id = 990000 AND purpose = 'care';

SELECT c.relname AS "row security is not forced" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'records' AND c.relname IN ('exams', 'studies', 'reports') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

-- A signed report is never changed or removed by any daemon.
SELECT r.role AS "may change a report" FROM unnest(ARRAY['yz_signald', 'yz_schedulerd', 'yz_dicomd', 'yz_audit_ro']) r (role)
 WHERE has_table_privilege(r.role, 'records.reports', 'DELETE') OR has_table_privilege(r.role, 'records.reports', 'TRUNCATE')
    OR has_any_column_privilege(r.role, 'records.reports', 'UPDATE');

-- What was asked, and about whom, is superseded by another exam, not edited.
SELECT c.name AS "may be edited" FROM unnest(ARRAY['person_id', 'visit_id', 'question', 'procedure', 'modality', 'accession_no']) c (name)
 WHERE has_column_privilege('yz_schedulerd', 'records.exams', c.name, 'UPDATE');
SELECT NOT has_any_column_privilege('yz_dicomd', 'records.exams', 'UPDATE') AND NOT has_table_privilege('yz_dicomd', 'records.exams', 'INSERT')
   AND NOT has_any_column_privilege('yz_schedulerd', 'records.studies', 'UPDATE')
   AND NOT has_any_column_privilege('yz_signald', 'records.exams', 'UPDATE');

SELECT rolname AS "above row security" FROM pg_roles
 WHERE rolname = 'yz_dicomd' AND (rolsuper OR rolbypassrls OR pg_has_role(rolname, 'yz_owner', 'member'));
SELECT NOT has_column_privilege('yz_dicomd', 'records.persons', 'phone', 'SELECT')
   AND NOT has_any_column_privilege('yz_dicomd', 'records.accounts', 'SELECT');
