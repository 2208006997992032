-- 0010_scheduling: who meets whom, when. One owner per region writes here: yz-schedulerd under shard_lease.

CREATE SCHEMA IF NOT EXISTS scheduling;
REVOKE ALL ON SCHEMA scheduling FROM PUBLIC;
GRANT USAGE ON SCHEMA scheduling TO yz_schedulerd;

-- ---------------------------------------------------------------- ownership

-- `batch` counts the owner's transactions: its UPDATE fences a predecessor and, after a lost connection, tells whether
-- the last commit happened.
CREATE TABLE scheduling.shard_lease (
    region_id   bigint      NOT NULL,
    owner       text        NOT NULL,
    epoch       bigint      NOT NULL,
    batch       bigint      NOT NULL DEFAULT 0,
    until       timestamptz NOT NULL,
    CONSTRAINT shard_lease_pk PRIMARY KEY (region_id),
    CONSTRAINT lease_counts CHECK (epoch > 0 AND batch >= 0)
);
COMMENT ON TABLE scheduling.shard_lease IS 'no tenant: one owner per region';

CREATE TABLE scheduling.idempotency (
    region_id   bigint      NOT NULL,
    account_id  bigint      NOT NULL,
    op          text        NOT NULL,
    key         text        NOT NULL,
    tenant_id   bigint      NOT NULL,
    body_hash   bytea       NOT NULL,
    result      json        NOT NULL,                  -- of what took effect; a refusal had none and may be asked again
    at          timestamptz NOT NULL,
    CONSTRAINT idempotency_pk PRIMARY KEY (region_id, account_id, op, key),
    CONSTRAINT idempotency_key_length CHECK (length(key) BETWEEN 1 AND 128),
    CONSTRAINT idempotency_hash_is_sha256 CHECK (length(body_hash) = 32)
);
CREATE INDEX idempotency_tenant ON scheduling.idempotency (region_id, tenant_id, at);

-- ---------------------------------------------------------------- clinics, rosters, slots, duty

CREATE TABLE scheduling.clinics (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    name        text        NOT NULL,
    department  text        NOT NULL,
    specialty   text        NOT NULL,
    state       text        NOT NULL DEFAULT 'open',
    waiting_room_opens_s integer NOT NULL DEFAULT 1800,
    CONSTRAINT clinics_pk PRIMARY KEY (region_id, id),
    CONSTRAINT clinic_state CHECK (state IN ('open', 'closed')),
    CONSTRAINT clinics_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX clinics_tenant ON scheduling.clinics (region_id, tenant_id);

CREATE TABLE scheduling.roster_sessions (
    region_id       bigint      NOT NULL,
    id              bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,
    version         integer     NOT NULL DEFAULT 1,
    state           text        NOT NULL DEFAULT 'draft',
    clinic_id       bigint      NOT NULL,
    staff_id        bigint      NOT NULL,
    day             date        NOT NULL,              -- Asia/Shanghai day of starts_at, computed once
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    slot_minutes    integer     NOT NULL,
    capacity_per_slot integer   NOT NULL,
    kinds           text[]      NOT NULL,
    created_by      bigint      NOT NULL,              -- account
    created_at      timestamptz NOT NULL,
    published_at    timestamptz,
    cancel_reason   text        NOT NULL DEFAULT '',
    CONSTRAINT roster_sessions_pk PRIMARY KEY (region_id, id),
    CONSTRAINT roster_state CHECK (state IN ('draft', 'published', 'open', 'running', 'closed', 'cancelled')),
    CONSTRAINT roster_span CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '12 hours'),
    CONSTRAINT roster_slot_minutes CHECK (slot_minutes BETWEEN 5 AND 240),
    CONSTRAINT roster_capacity CHECK (capacity_per_slot BETWEEN 1 AND 100),
    CONSTRAINT roster_kinds CHECK (kinds <@ ARRAY['first_visit', 'follow_up'] AND kinds <> '{}'),
    CONSTRAINT roster_published_when_out CHECK (published_at IS NOT NULL OR state IN ('draft', 'cancelled')),
    CONSTRAINT roster_sessions_clinic_fk FOREIGN KEY (region_id, clinic_id) REFERENCES scheduling.clinics (region_id, id),
    CONSTRAINT roster_sessions_staff_fk FOREIGN KEY (region_id, staff_id) REFERENCES records.staff (region_id, id)
);
CREATE INDEX roster_sessions_tenant ON scheduling.roster_sessions (region_id, tenant_id, day);
CREATE INDEX roster_sessions_clinic ON scheduling.roster_sessions (region_id, clinic_id, day);
CREATE INDEX roster_sessions_staff ON scheduling.roster_sessions (region_id, staff_id, starts_at);

CREATE TABLE scheduling.slots (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    session_id  bigint      NOT NULL,
    clinic_id   bigint      NOT NULL,
    staff_id    bigint      NOT NULL,
    state       text        NOT NULL DEFAULT 'unreleased',
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    day         date        NOT NULL,
    cap         integer     NOT NULL,
    taken       integer     NOT NULL DEFAULT 0,
    held        integer     NOT NULL DEFAULT 0,
    last_token  integer     NOT NULL DEFAULT 0,        -- numbers given; a cancellation keeps its number
    CONSTRAINT slots_pk PRIMARY KEY (region_id, id),
    CONSTRAINT slot_start_once UNIQUE (region_id, session_id, starts_at),
    CONSTRAINT slot_state CHECK (state IN ('unreleased', 'free', 'closed')),
    CONSTRAINT slot_never_oversold CHECK (taken >= 0 AND held >= 0 AND taken + held <= cap),
    CONSTRAINT slot_tokens CHECK (last_token >= taken),
    CONSTRAINT slots_session_fk FOREIGN KEY (region_id, session_id) REFERENCES scheduling.roster_sessions (region_id, id)
);
CREATE INDEX slots_tenant ON scheduling.slots (region_id, tenant_id);
CREATE INDEX slots_clinic ON scheduling.slots (region_id, clinic_id, starts_at);

-- May this seat be asked for now? Of a session of another day it may. Of today's it may unless the doctor has gone off duty
-- today; once the session runs he must be there. One rule for the list of clinics, the list of slots and the booking itself.
CREATE FUNCTION scheduling.slot_is_bookable(slot_state text, session_state text, ends_at timestamptz, session_day date,
                                            on_duty boolean, duty_since timestamptz, at timestamptz, today date)
    RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT slot_state = 'free' AND session_state IN ('open', 'running') AND ends_at > at
             AND (session_day > today OR coalesce(on_duty, false)
                  OR (session_state = 'open'
                      AND (duty_since IS NULL OR duty_since < today::timestamp AT TIME ZONE interval '+08:00'))) $$;

CREATE TABLE scheduling.duty (
    region_id   bigint      NOT NULL,
    staff_id    bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    on_duty     boolean     NOT NULL,
    since       timestamptz NOT NULL,
    CONSTRAINT duty_pk PRIMARY KEY (region_id, staff_id),
    CONSTRAINT duty_staff_fk FOREIGN KEY (region_id, staff_id) REFERENCES records.staff (region_id, id)
);
CREATE INDEX duty_tenant ON scheduling.duty (region_id, tenant_id);
CREATE INDEX duty_on ON scheduling.duty (region_id, staff_id) WHERE on_duty;

-- ---------------------------------------------------------------- orders and offers

-- How a queue offers its orders. '*' stands for every specialty without a row of its own.
CREATE TABLE scheduling.offer_policies (
    region_id   bigint      NOT NULL,
    queue       text        NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- the platform that set it
    shape       text        NOT NULL DEFAULT 'levels', -- grab: everyone at once, circles are not looked at
    circles     integer[]   NOT NULL,                  -- how many doctors see it in each circle; 0: everyone eligible
    circle_s    integer[]   NOT NULL,                  -- seconds after queueing at which the circle opens
    hand_max    integer     NOT NULL,                  -- claimed and not yet over, per doctor
    serve_s     integer     NOT NULL,                  -- be in the room within, or lose it
    serve_urgent_s integer  NOT NULL,
    CONSTRAINT offer_policies_pk PRIMARY KEY (region_id, queue),
    CONSTRAINT policy_shape CHECK (shape IN ('levels', 'grab')),
    CONSTRAINT policy_circles CHECK (cardinality(circles) BETWEEN 1 AND 8 AND cardinality(circles) = cardinality(circle_s)
                                 AND circle_s[1] = 0),
    CONSTRAINT policy_limits CHECK (hand_max > 0 AND serve_s > 0 AND serve_urgent_s > 0),
    CONSTRAINT offer_policies_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX offer_policies_tenant ON scheduling.offer_policies (region_id, tenant_id);

CREATE TABLE scheduling.orders (
    region_id       bigint      NOT NULL,
    id              bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,              -- owner: the inviting side, or the clinic's hospital
    version         integer     NOT NULL DEFAULT 1,
    state           text        NOT NULL,
    channel         text        NOT NULL,
    kind            text        NOT NULL,
    urgency         text        NOT NULL DEFAULT 'normal',
    specialty       text        NOT NULL,
    care_level      text        NOT NULL,              -- asked for now; escalation raises it by one
    person_id       bigint      NOT NULL,
    age_band        text        NOT NULL,              -- computed by the server when the order was made
    sex             text        NOT NULL,
    visit_id        bigint      NOT NULL,
    inviting_tenant_id bigint,
    inviting_staff_id bigint,
    township        text,                              -- where from, as shown in the pool
    clinic_id       bigint,
    slot_id         bigint,
    slot_day        date,
    token_no        integer,
    doctor_id       bigint,                            -- staff
    doctor_tenant_id bigint,
    complaint       text        NOT NULL,
    prior_diagnosis json,
    vitals          json,
    created_by      bigint      NOT NULL,              -- account
    created_at      timestamptz NOT NULL,
    queued_at       timestamptz,                       -- place in the pool; a return keeps it
    circle          integer     NOT NULL DEFAULT 0,    -- offer circles already opened
    checked_in_at   timestamptz,
    claimed_at      timestamptz,
    serve_by        timestamptz,                       -- claimant must be in the room, or the order returns
    doctor_joined_at timestamptz,
    live_at         timestamptz,
    ended_at        timestamptz,
    signed_at       timestamptz,
    closed_at       timestamptz,
    cancelled_at    timestamptz,
    cancelled_by    bigint,                            -- account; 0: the system
    cancel_reason   text        NOT NULL DEFAULT '',
    CONSTRAINT orders_pk PRIMARY KEY (region_id, id),
    CONSTRAINT order_visit_once UNIQUE (region_id, visit_id),
    CONSTRAINT order_state CHECK (state IN ('draft', 'submitted', 'returned', 'paid_or_exempt', 'pooled', 'booked',
        'claimed', 'waiting', 'live', 'documenting', 'signed', 'closed', 'escalated', 'dispatched', 'cancelled', 'expired',
        'no_show', 'refunded')),
    CONSTRAINT order_channel CHECK (channel IN ('home_direct', 'assisted', 'fd_contract')),
    CONSTRAINT order_kind CHECK (kind IN ('first_visit', 'follow_up')),
    CONSTRAINT order_urgency CHECK (urgency IN ('normal', 'urgent', 'emergency')),
    CONSTRAINT order_version_counts CHECK (version > 0),
    CONSTRAINT order_assisted_has_inviting_side CHECK
        ((channel = 'assisted') = (inviting_tenant_id IS NOT NULL AND inviting_staff_id IS NOT NULL)),
    CONSTRAINT order_home_follow_up_has_evidence CHECK
        (channel <> 'home_direct' OR kind <> 'follow_up' OR prior_diagnosis IS NOT NULL),
    CONSTRAINT order_slot_whole CHECK ((slot_id IS NULL) = (slot_day IS NULL) AND (slot_id IS NULL) = (token_no IS NULL)),
    CONSTRAINT order_pooled_is_free CHECK
        (state <> 'pooled' OR (doctor_id IS NULL AND queued_at IS NOT NULL AND serve_by IS NULL)),
    CONSTRAINT order_doctor_when_taken CHECK
        ((doctor_id IS NULL) = (doctor_tenant_id IS NULL)
         AND (doctor_id IS NOT NULL OR state NOT IN ('booked', 'claimed', 'waiting', 'live', 'documenting', 'signed', 'closed'))),
    CONSTRAINT order_claimed_has_deadline CHECK (state <> 'claimed' OR serve_by IS NOT NULL),
    CONSTRAINT order_live_when_begun CHECK (live_at IS NOT NULL OR state NOT IN ('live', 'documenting', 'signed', 'closed')),
    CONSTRAINT order_ended_when_over CHECK ((ended_at IS NOT NULL) = (state IN ('documenting', 'signed', 'closed'))),
    CONSTRAINT order_signed_when_final CHECK ((signed_at IS NOT NULL) = (state IN ('signed', 'closed'))),
    CONSTRAINT order_closed_when_closed CHECK ((closed_at IS NOT NULL) = (state = 'closed')),
    CONSTRAINT order_cancelled_says_who CHECK
        ((cancelled_at IS NOT NULL) = (state IN ('cancelled', 'refunded')) AND (cancelled_at IS NULL) = (cancelled_by IS NULL)),
    CONSTRAINT orders_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id),
    CONSTRAINT orders_person_fk FOREIGN KEY (region_id, person_id) REFERENCES records.persons (region_id, id),
    CONSTRAINT orders_slot_fk FOREIGN KEY (region_id, slot_id) REFERENCES scheduling.slots (region_id, id)
);
-- One patient, one booking per doctor and day; one live video per doctor: whatever the statements do, these hold.
CREATE UNIQUE INDEX order_one_booking_per_doctor_day ON scheduling.orders (region_id, person_id, doctor_id, slot_day)
    WHERE slot_id IS NOT NULL AND state IN ('booked', 'waiting', 'live');
CREATE UNIQUE INDEX order_one_live_per_doctor ON scheduling.orders (region_id, doctor_id) WHERE state = 'live';
CREATE INDEX orders_tenant ON scheduling.orders (region_id, tenant_id, created_at);
CREATE INDEX orders_person ON scheduling.orders (region_id, person_id, created_at);
CREATE INDEX orders_in_hand ON scheduling.orders (region_id, doctor_id) WHERE state IN ('booked', 'claimed', 'waiting', 'live');
CREATE INDEX orders_doctor ON scheduling.orders (region_id, doctor_id, claimed_at) WHERE doctor_id IS NOT NULL;
CREATE INDEX orders_pool ON scheduling.orders (region_id, specialty, queued_at) WHERE state = 'pooled';
CREATE INDEX orders_serve ON scheduling.orders (region_id, serve_by) WHERE state = 'claimed';
CREATE INDEX orders_slot ON scheduling.orders (region_id, slot_id) WHERE slot_id IS NOT NULL;

-- Who was shown which order. The nonce answers "did this doctor really see this offer": a claim without it is a script.
CREATE TABLE scheduling.offers (
    region_id   bigint      NOT NULL,
    order_id    bigint      NOT NULL,
    staff_id    bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- the doctor's
    nonce       text        NOT NULL,
    circle      integer     NOT NULL,
    offered_at  timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CONSTRAINT offers_pk PRIMARY KEY (region_id, order_id, staff_id),
    CONSTRAINT offers_order_fk FOREIGN KEY (region_id, order_id) REFERENCES scheduling.orders (region_id, id)
);
CREATE INDEX offers_tenant ON scheduling.offers (region_id, tenant_id);
CREATE INDEX offers_live ON scheduling.offers (region_id, staff_id) WHERE withdrawn_at IS NULL;

-- Every claim and what it was answered, for ever: the log explains each winner and each loser.
CREATE TABLE scheduling.claim_log (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- the doctor's
    order_id    bigint      NOT NULL,
    staff_id    bigint      NOT NULL,
    version     integer     NOT NULL,                  -- as the doctor saw it
    result      text        NOT NULL,
    reason      text        NOT NULL DEFAULT '',
    winner_id   bigint,                                -- who had it by then
    epoch       bigint      NOT NULL,
    batch       bigint      NOT NULL,
    rank        integer     NOT NULL,                  -- place in the batch
    request_id  text        NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT claim_log_pk PRIMARY KEY (region_id, id),
    CONSTRAINT claim_result CHECK (result IN ('won', 'lost', 'stale', 'ineligible', 'returned')),
    CONSTRAINT claim_ineligible_says_why CHECK ((result IN ('ineligible', 'returned')) = (reason <> ''))
);
CREATE INDEX claim_log_tenant ON scheduling.claim_log (region_id, tenant_id, at);
CREATE INDEX claim_log_order ON scheduling.claim_log (region_id, order_id, id);
CREATE UNIQUE INDEX claim_one_winner_per_version ON scheduling.claim_log (region_id, order_id, version) WHERE result = 'won';

-- ---------------------------------------------------------------- row security and privileges

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['shard_lease', 'idempotency', 'clinics', 'roster_sessions', 'slots', 'duty', 'offer_policies',
                             'orders', 'offers', 'claim_log'] LOOP
        EXECUTE format('ALTER TABLE scheduling.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE scheduling.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON scheduling.%I TO yz_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY sched_region ON scheduling.%I TO yz_schedulerd '
                       'USING (region_id = (SELECT records.ctx_region())) '
                       'WITH CHECK (region_id = (SELECT records.ctx_region()))', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE (owner, epoch, batch, until) ON scheduling.shard_lease TO yz_schedulerd;
GRANT SELECT, INSERT ON scheduling.idempotency, scheduling.claim_log TO yz_schedulerd;
GRANT SELECT ON scheduling.clinics, scheduling.offer_policies TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (version, state, published_at, cancel_reason) ON scheduling.roster_sessions TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (state, taken, held, last_token) ON scheduling.slots TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (on_duty, since) ON scheduling.duty TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (nonce, circle, offered_at, withdrawn_at) ON scheduling.offers TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (version, state, care_level, queued_at, circle, doctor_id, doctor_tenant_id, checked_in_at,
    claimed_at, serve_by, doctor_joined_at, live_at, ended_at, signed_at, closed_at, cancelled_at, cancelled_by, cancel_reason)
    ON scheduling.orders TO yz_schedulerd;
