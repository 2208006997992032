-- 0003_visit_parties: policies and functions only, no row changes.

-- after

-- One policy lets yz_signald see visits, and it asks who takes part.
SELECT count(*) = 1 AND bool_and(pg_get_expr(p.polqual, p.polrelid) LIKE '%ctx_has_seat%')
  FROM pg_policy p
 WHERE p.polrelid = 'records.visits'::regclass
   AND 'yz_signald'::regrole = ANY (p.polroles);

-- Nobody but yz_signald and the owner may call the functions behind it.
SELECT r.rolname AS "may call" FROM pg_roles r, unnest(ARRAY['records.ctx_has_seat(bigint,bigint)', 'records.ctx_accompanies()']) f (name)
 WHERE r.rolname IN ('yz_schedulerd', 'yz_audit_ro') AND has_function_privilege(r.oid, f.name::regprocedure, 'EXECUTE');
