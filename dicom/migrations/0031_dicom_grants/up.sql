-- 0031_dicom_grants: who is told that a visit's images are coming.

-- The tenants that see a visit which has a study of the house yz_dicomd works for: numbers, no person and no reason. SECURITY
-- DEFINER because a policy on grants that asked for studies would ask itself: the policy of studies asks for grants.
CREATE FUNCTION dicom.visit_tenants(p_region bigint, p_visit bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog
    AS $$ SELECT string_agg(DISTINCT a.tenant_id::text, ',') FROM records.access a
           WHERE a.region_id = p_region AND a.subject_id = p_visit AND a.until > now()
             AND p_region = nullif(current_setting('yz.region', true), '')::bigint
             AND EXISTS (SELECT 1 FROM records.studies s WHERE s.region_id = p_region AND s.visit_id = p_visit
                          AND s.tenant_id = nullif(current_setting('yz.tenant', true), '')::bigint) $$;
REVOKE ALL ON FUNCTION dicom.visit_tenants(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dicom.visit_tenants(bigint, bigint) TO yz_dicomd;
