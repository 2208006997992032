-- 0020_signaling: rooms and the machines in them. Written by yz-signald only.

CREATE SCHEMA IF NOT EXISTS signaling;
REVOKE ALL ON SCHEMA signaling FROM PUBLIC;
GRANT USAGE ON SCHEMA signaling TO yz_signald;

-- A room is owned by one media worker under a lease with an epoch. Expiry alone never stops media; a higher epoch does.
CREATE TABLE signaling.rooms (
    region_id   bigint      NOT NULL,
    room_id     text        NOT NULL,
    tenant_id   bigint      NOT NULL,
    visit_id    bigint,                                -- none: opened by a machine with a wildcard token
    state       text        NOT NULL,
    worker      integer     NOT NULL,
    epoch       bigint      NOT NULL,
    until       timestamptz NOT NULL,
    opened_at   timestamptz NOT NULL,
    closed_at   timestamptz,
    CONSTRAINT rooms_pk PRIMARY KEY (region_id, room_id),
    CONSTRAINT room_state CHECK (state IN ('open', 'closed')),
    CONSTRAINT room_epoch_counts CHECK (epoch > 0 AND worker >= 0),
    CONSTRAINT room_closed_when_closed CHECK ((closed_at IS NOT NULL) = (state = 'closed')),
    CONSTRAINT rooms_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id)
);
CREATE INDEX rooms_tenant ON signaling.rooms (region_id, tenant_id);
CREATE INDEX rooms_worker ON signaling.rooms (region_id, worker) WHERE state = 'open';

-- WHIP and WHEP sessions, so that their resource addresses survive a restart of signald.
CREATE TABLE signaling.machine_peers (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    room_id     text        NOT NULL,
    peer        text        NOT NULL,
    direction   text        NOT NULL,
    account_id  bigint      NOT NULL,
    etag        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    CONSTRAINT machine_peers_pk PRIMARY KEY (region_id, id),
    CONSTRAINT machine_peer_direction CHECK (direction IN ('whip', 'whep')),
    CONSTRAINT machine_peers_room_fk FOREIGN KEY (region_id, room_id) REFERENCES signaling.rooms (region_id, room_id)
);
CREATE UNIQUE INDEX machine_peer_once ON signaling.machine_peers (region_id, room_id, peer) WHERE ended_at IS NULL;
CREATE INDEX machine_peers_tenant ON signaling.machine_peers (region_id, tenant_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['rooms', 'machine_peers'] LOOP
        EXECUTE format('ALTER TABLE signaling.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE signaling.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON signaling.%I TO yz_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY signal_region ON signaling.%I TO yz_signald '
                       'USING (region_id = (SELECT records.ctx_region())) '
                       'WITH CHECK (region_id = (SELECT records.ctx_region()))', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE (state, worker, epoch, until, closed_at) ON signaling.rooms TO yz_signald;
GRANT SELECT, INSERT, UPDATE (etag, ended_at) ON signaling.machine_peers TO yz_signald;
