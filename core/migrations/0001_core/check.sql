-- 0001_core: nothing exists before it, so there is nothing to fill.

-- after

-- Only the owner reads or writes the book.
SELECT grantee AS "may touch core.migrations" FROM information_schema.role_table_grants
 WHERE table_schema = 'core' AND grantee <> 'yz_owner';
SELECT count(*) = 1 FROM core.migrations WHERE number = 1;
