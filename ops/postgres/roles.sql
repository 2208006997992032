-- The database's roles. Run once by `yunzhen prepare` (or by an administrator) as a role that may create roles.
-- No daemon's role owns a table, bypasses row security or may create anything.
DO $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['yz_owner', 'yz_signald', 'yz_schedulerd', 'yz_dicomd', 'yz_audit_ro'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', r);
        END IF;
    END LOOP;
END
$$;
