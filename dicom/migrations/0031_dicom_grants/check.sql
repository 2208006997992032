-- 0031_dicom_grants: a function only; nothing to fill.

-- after

SELECT has_function_privilege('yz_dicomd', 'dicom.visit_tenants(bigint, bigint)', 'EXECUTE')
   AND NOT has_function_privilege('yz_signald', 'dicom.visit_tenants(bigint, bigint)', 'EXECUTE');
