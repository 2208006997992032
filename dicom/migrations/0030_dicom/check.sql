-- 0030_dicom: new tables only.

INSERT INTO records.regions (region_id, name) VALUES (990030, 'check');
INSERT INTO records.organisations (region_id, id, tenant_id, name, kind, division) VALUES (990030, 1, 1, 'check', 'township', '990030');

-- after

SELECT count(*) = 0 FROM dicom.instances;

SELECT c.relname AS "row security is not forced" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'dicom' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

-- What was received is never changed or removed by the daemon that received it.
SELECT t.name AS "may be changed" FROM unnest(ARRAY['dicom.instances', 'dicom.quarantine', 'dicom.ae_titles']) t (name)
 WHERE has_table_privilege('yz_dicomd', t.name, 'DELETE') OR has_table_privilege('yz_dicomd', t.name, 'TRUNCATE')
    OR has_any_column_privilege('yz_dicomd', t.name, 'UPDATE');

SELECT NOT has_schema_privilege('yz_signald', 'dicom', 'USAGE') AND NOT has_schema_privilege('yz_schedulerd', 'dicom', 'USAGE');
