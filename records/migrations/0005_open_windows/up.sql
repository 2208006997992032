-- 0005_open_windows: which of the windows that are open may stay so. A window is recognised once, when it opens; an account
-- that is locked, moved to another house or signed out elsewhere afterwards would keep it as long as its line holds.
-- Asked for all windows of a process at once, before and apart from any caller's scope, like account_for_login().

CREATE FUNCTION records.windows_to_close(p_region bigint, p_accounts bigint[], p_tenants bigint[], p_sessions bigint[])
    RETURNS TABLE (account_id bigint, session_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT w.account_id, w.session_id
            FROM unnest(p_accounts, p_tenants, p_sessions) AS w (account_id, tenant_id, session_id)
            LEFT JOIN records.accounts a ON a.region_id = p_region AND a.id = w.account_id
                                        AND a.tenant_id = w.tenant_id AND a.state = 'active'
            LEFT JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.tenant_id AND o.state = 'active'
            LEFT JOIN records.sessions s ON s.region_id = p_region AND s.id = w.session_id AND s.account_id = w.account_id
                                        AND s.revoked_at IS NULL
           WHERE o.id IS NULL OR (w.session_id <> 0 AND s.id IS NULL) $$;
REVOKE ALL ON FUNCTION records.windows_to_close(bigint, bigint[], bigint[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION records.windows_to_close(bigint, bigint[], bigint[], bigint[]) TO yz_signald;
