-- 0020_signaling: nothing exists before it, so there is nothing to fill.

-- after

SELECT c.relname AS "row security is not forced" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'signaling' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

SELECT NOT has_any_column_privilege('yz_schedulerd', 'signaling.rooms', 'SELECT');
