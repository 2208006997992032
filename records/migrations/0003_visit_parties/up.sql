-- 0003_visit_parties: a visit is seen by who takes part in it, not by the whole house one of them works for.

-- Has the asking account a seat there that was not taken away? SECURITY DEFINER because the policy of visit_seats asks
-- the policy of visits, which asks this.
CREATE FUNCTION records.ctx_has_seat(p_region bigint, p_visit bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog
    AS $$ SELECT EXISTS (SELECT 1 FROM records.visit_seats s
                          WHERE s.region_id = p_region AND s.visit_id = p_visit AND s.removed_at IS NULL
                            AND s.account_id = nullif(current_setting('yz.actor', true), '')::bigint) $$;
-- Does the asking account accompany patients for its house? The inviting side of an assisted visit is the desk, not one person.
CREATE FUNCTION records.ctx_accompanies() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT EXISTS (SELECT 1 FROM records.account_roles r
                          WHERE r.region_id = nullif(current_setting('yz.region', true), '')::bigint
                            AND r.account_id = nullif(current_setting('yz.actor', true), '')::bigint
                            AND r.role IN ('township_doctor', 'operator')) $$;
REVOKE ALL ON FUNCTION records.ctx_has_seat(bigint, bigint), records.ctx_accompanies() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION records.ctx_has_seat(bigint, bigint), records.ctx_accompanies() TO yz_signald;

-- Actor 0 is the daemon's own work under a tenant (reading a visit again for its windows). Seats, notes, consents and
-- recordings follow, since their policies ask for the visit.
DROP POLICY signal_sees ON records.visits;
CREATE POLICY signal_sees ON records.visits FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region())
       AND (person_id = (SELECT records.ctx_person())
         OR ((tenant_id = (SELECT records.ctx_tenant())
              OR EXISTS (SELECT 1 FROM records.access a
                          WHERE a.region_id = visits.region_id AND a.subject_id = visits.id
                            AND a.tenant_id = (SELECT records.ctx_tenant()) AND a.until > now()))
             AND ((SELECT records.ctx_actor()) = 0
               OR (channel = 'assisted' AND tenant_id = (SELECT records.ctx_tenant()) AND (SELECT records.ctx_accompanies()))
               OR records.ctx_has_seat(region_id, id)))));
