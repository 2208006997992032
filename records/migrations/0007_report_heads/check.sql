-- 0007_report_heads: a policy, a grant and an index, no row changes.

-- after

SELECT NOT has_column_privilege('yz_audit_ro', 'records.exams', 'person_id', 'SELECT')
   AND has_column_privilege('yz_audit_ro', 'records.exams', 'report_version', 'SELECT')
   AND NOT has_any_column_privilege('yz_audit_ro', 'records.exams', 'UPDATE');
