-- 0010_scheduling: nothing exists before it, so there is nothing to fill.

-- after

SELECT c.relname AS "row security is not forced" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'scheduling' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

-- The log of claims and the first answers are never changed; what a patient told is never changed in place.
SELECT t.name AS "may be changed" FROM unnest(ARRAY['scheduling.claim_log', 'scheduling.idempotency']) t (name)
 WHERE has_any_column_privilege('yz_schedulerd', t.name, 'UPDATE') OR has_table_privilege('yz_schedulerd', t.name, 'DELETE');
SELECT NOT has_column_privilege('yz_schedulerd', 'scheduling.orders', 'complaint', 'UPDATE')
   AND NOT has_column_privilege('yz_schedulerd', 'scheduling.orders', 'prior_diagnosis', 'UPDATE')
   AND NOT has_column_privilege('yz_schedulerd', 'scheduling.orders', 'person_id', 'UPDATE');

-- signald asks schedulerd; it does not read these tables.
SELECT c.relname AS "signald can read" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'scheduling' AND c.relkind IN ('r', 'p') AND has_any_column_privilege('yz_signald', c.oid, 'SELECT');
