-- 0007_report_heads: proof over reports knows how many there must be; a doctor's exams are found by who ordered them.

-- Ids and a number, no person: enough to see that the newest version was taken away.
CREATE POLICY verify_all ON records.exams FOR SELECT TO yz_audit_ro USING (true);
GRANT SELECT (region_id, id, report_version) ON records.exams TO yz_audit_ro;

CREATE INDEX exams_ordered_by ON records.exams (region_id, ordered_by, ordered_at);
