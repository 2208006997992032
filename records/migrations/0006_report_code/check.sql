-- 0006_report_code: a function only, no row changes.

-- after

-- yz_signald may ask by code, nobody else may.
SELECT has_function_privilege('yz_signald', 'records.report_for_code(bigint, text)', 'EXECUTE');
SELECT r.rolname AS "may call" FROM pg_roles r
 WHERE r.rolname IN ('yz_schedulerd', 'yz_dicomd', 'yz_audit_ro')
   AND has_function_privilege(r.oid, 'records.report_for_code(bigint, text)', 'EXECUTE');
