-- 0011_reading: a claim of an order that was logged before still is one.

INSERT INTO scheduling.claim_log (region_id, id, tenant_id, order_id, staff_id, version, result, epoch, batch, rank, request_id, at)
VALUES (990000, 1, 31, 5, 201, 1, 'won', 1, 1, 0, 'check', now());

-- after

SELECT count(*) = 1 FROM scheduling.claim_log WHERE region_id = 990000 AND order_id = 5 AND exam_id IS NULL;

SELECT c.relname AS "row security is not forced" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'scheduling' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

-- Who was paged, and what was paged about, is never changed.
SELECT t.name AS "may be changed" FROM unnest(ARRAY['scheduling.claim_log', 'scheduling.alert_pages']) t (name)
 WHERE has_any_column_privilege('yz_schedulerd', t.name, 'UPDATE') OR has_table_privilege('yz_schedulerd', t.name, 'DELETE');
SELECT NOT has_column_privilege('yz_schedulerd', 'scheduling.alerts', 'finding', 'UPDATE')
   AND NOT has_column_privilege('yz_schedulerd', 'scheduling.alerts', 'raised_at', 'UPDATE');

SELECT c.relname AS "another daemon can read" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'scheduling' AND c.relkind IN ('r', 'p')
   AND (has_any_column_privilege('yz_signald', c.oid, 'SELECT') OR has_any_column_privilege('yz_dicomd', c.oid, 'SELECT'));
