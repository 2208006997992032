-- 0006_report_code: whoever holds a paper may ask whether it is genuine. He has no account and no tenant, so no policy could show
-- him the row; the code of 130 random bits is the key to exactly one. The text is needed to recompute its hash and leaves
-- yz-signald no further; what a stranger hears is in signaling/report_check.c.
CREATE FUNCTION records.report_for_code(p_region bigint, p_code text)
    RETURNS TABLE (region_id bigint, exam_id bigint, version int, tenant_id bigint, person_id bigint, study_uid text, accession_no text,
        author_tenant_id bigint, staff_id bigint, staff_name text, kind text, findings text, impression text,
        critical_finding text, template text, reason text, written_at_us bigint, signed_at_us bigint, prev_hash text,
        content_hash text, public_key text, signature text, newest_version int, modality text, author_name text,
        examining_name text, person_name text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT r.region_id, r.exam_id, r.version, r.tenant_id, r.person_id, r.study_uid, r.accession_no, r.author_tenant_id, r.staff_id,
                 r.staff_name, r.kind, r.findings, r.impression, r.critical_finding, r.template, r.reason,
                 (extract(epoch FROM r.written_at) * 1000000)::bigint, (extract(epoch FROM r.signed_at) * 1000000)::bigint,
                 encode(r.prev_hash, 'hex'), encode(r.content_hash, 'hex'), encode(r.public_key, 'hex'),
                 encode(r.signature, 'hex'), e.report_version, e.modality, a.name, t.name, p.name
            FROM records.reports r
            JOIN records.exams e ON e.region_id = r.region_id AND e.id = r.exam_id
            JOIN records.organisations a ON a.region_id = r.region_id AND a.id = r.author_tenant_id
            JOIN records.organisations t ON t.region_id = r.region_id AND t.id = r.tenant_id
            JOIN records.persons p ON p.region_id = r.region_id AND p.id = r.person_id
           WHERE r.region_id = p_region AND r.code = p_code $$;
REVOKE ALL ON FUNCTION records.report_for_code(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION records.report_for_code(bigint, text) TO yz_signald;
