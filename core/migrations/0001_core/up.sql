-- 0001_core: the book in which migrations are written. Row 1 is also the lock of `yunzhen migrate`.

CREATE SCHEMA core;
REVOKE ALL ON SCHEMA core FROM PUBLIC;

CREATE TABLE core.migrations (
    number      integer     NOT NULL,
    name        text        NOT NULL,
    sha256      text        NOT NULL,                  -- of up.sql, hex
    applied_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pk PRIMARY KEY (number),
    CONSTRAINT migration_number_counts CHECK (number > 0),
    CONSTRAINT migration_sha256_is_hex CHECK (sha256 ~ '^[0-9a-f]{64}$')
);
COMMENT ON TABLE core.migrations IS 'reference, no tenant: one row per migration, the same in every region';
