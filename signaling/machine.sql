-- machine.sql: from a room's word to its visit.

-- name: visit_by_room   ($1 region, $2 room)
SELECT id FROM records.visits WHERE region_id = $1::bigint AND room_id = $2
