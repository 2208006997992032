-- name: ae_list   ($1 region)
SELECT ae, host(network(peers)), masklen(peers), tenant_id FROM dicom.ae_titles WHERE region_id = $1::bigint AND active;
