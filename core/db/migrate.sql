-- The statements of migrate.c. They run as the owner, outside of any request.

-- name: migrate_book_exists
-- no region: the book of migrations is the same everywhere
SELECT to_regclass('core.migrations') IS NOT NULL

-- name: migrate_lock
-- no region: row 1 exists from the first migration on; whoever holds it is the only one that migrates
SELECT number FROM core.migrations WHERE number = 1 FOR UPDATE

-- name: migrate_applied
-- no region: the book of migrations is the same everywhere
SELECT number, name, sha256 FROM core.migrations ORDER BY number

-- name: migrate_note   ($1 number, $2 name, $3 sha256)
-- no region: the book of migrations is the same everywhere
INSERT INTO core.migrations (number, name, sha256) VALUES ($1, $2, $3)
