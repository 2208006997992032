-- 0008_reading_names: one policy, no row changes.

-- after

SELECT count(*) = 1 FROM pg_catalog.pg_policies
 WHERE schemaname = 'records' AND tablename = 'persons' AND policyname = 'signal_sees' AND qual LIKE '%ctx_reads%';
