-- Grants. Nothing is deleted: an ended grant keeps its row with `until` in the past.

-- name: access_grant   ($1 region, $2 now, $3 rows)
INSERT INTO records.access (region_id, subject_id, tenant_id, purpose, id, order_id, granted_at, until)
SELECT $1::bigint, r.subject_id, r.tenant_id, r.purpose, r.id, r.order_id, $2::timestamptz, r.until
  FROM json_to_recordset($3::json) AS r (id bigint, subject_id bigint, tenant_id bigint, purpose text, order_id bigint,
       until timestamptz);

-- name: access_end   ($1 region, $2 now, $3 orders[], $4 purposes[])
-- What these orders gave for these purposes ends now.
UPDATE records.access SET until = $2::timestamptz
 WHERE region_id = $1::bigint AND order_id = ANY ($3::bigint[]) AND purpose = ANY ($4::text[]) AND until > $2::timestamptz;

-- name: access_live   ($1 region, $2 now, $3 subject, $4 tenant)
SELECT 1 FROM records.access
 WHERE region_id = $1::bigint AND subject_id = $3::bigint AND tenant_id = $4::bigint AND until > $2::timestamptz LIMIT 1;
