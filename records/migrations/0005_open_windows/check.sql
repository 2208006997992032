-- 0005_open_windows: a function only, no row changes.

-- after

-- A window of nobody's closes.
SELECT count(*) = 1 FROM records.windows_to_close(1, ARRAY[1]::bigint[], ARRAY[1]::bigint[], ARRAY[0]::bigint[]);

-- Nobody but yz_signald and the owner may call it.
SELECT r.rolname AS "may call" FROM pg_roles r
 WHERE r.rolname IN ('yz_schedulerd', 'yz_audit_ro')
   AND has_function_privilege(r.oid, 'records.windows_to_close(bigint,bigint[],bigint[],bigint[])'::regprocedure, 'EXECUTE');
