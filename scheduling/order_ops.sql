-- What an assisted request needs to know before it becomes an order.

-- name: assist_facts   ($1 region, $2 tenant, $3 staff, $4 person, $5 clinic or 0, $6 now, $7 today)
-- One row when the tenant exists: the patient as far as this tenant may see him; the accompanying licensed doctor (the
-- caller when he is one, else a colleague who is); the clinic when one is named.
SELECT t.name, p.id, p.name, p.sex, p.birth_date::text, d.id, d.name, d.account_id, c.id, c.name, c.specialty, ct.care_level,
       pa.id,
       (SELECT count(*) FROM scheduling.orders o WHERE o.region_id = $1::bigint AND o.person_id = p.id
           AND o.state IN ('pooled', 'booked', 'claimed', 'waiting', 'live'))
  FROM records.organisations t
  LEFT JOIN records.persons p ON p.region_id = t.region_id AND p.id = $4::bigint
       AND (p.tenant_id = t.id OR EXISTS (SELECT 1 FROM records.access x
                                           WHERE x.region_id = p.region_id AND x.subject_id = p.id AND x.tenant_id = t.id
                                             AND x.until > $6::timestamptz))
  LEFT JOIN records.accounts pa ON pa.region_id = p.region_id AND pa.person_id = p.id AND pa.state = 'active'
  LEFT JOIN LATERAL (
       SELECT s.id, s.name, a.id AS account_id
         FROM records.staff s
         JOIN records.accounts a ON a.region_id = s.region_id AND a.staff_id = s.id AND a.state = 'active'
         JOIN records.account_roles r ON r.region_id = a.region_id AND r.account_id = a.id AND r.role = 'township_doctor'
        WHERE s.region_id = t.region_id AND s.tenant_id = t.id AND s.state = 'active'
          AND $7::date BETWEEN s.licence_from AND s.licence_until
        ORDER BY s.id <> $3::bigint, s.id LIMIT 1) d ON true
  LEFT JOIN scheduling.clinics c ON c.region_id = t.region_id AND c.id = $5::bigint AND c.state = 'open'
  LEFT JOIN records.organisations ct ON ct.region_id = c.region_id AND ct.id = c.tenant_id
 WHERE t.region_id = $1::bigint AND t.id = $2::bigint AND t.state = 'active'
 LIMIT 1;

-- name: doctor_may_begin   ($1 region, $2 staff, $3 this order, $4 today)
-- Licence valid on the database's day; another visit live?
SELECT EXISTS (SELECT 1 FROM records.staff s WHERE s.region_id = $1::bigint AND s.id = $2::bigint AND s.state = 'active'
                  AND $4::date BETWEEN s.licence_from AND s.licence_until),
       EXISTS (SELECT 1 FROM scheduling.orders o WHERE o.region_id = $1::bigint AND o.doctor_id = $2::bigint AND o.state = 'live'
                  AND o.id <> $3::bigint);
