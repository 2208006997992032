-- 0002_records: everybody's facts. Owner yz_owner; daemons reach in through grants and policies only.

-- One role per daemon. LOGIN without a password: the embedded cluster trusts its 0700 socket folder, production adds scram.
DO $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['yz_signald', 'yz_schedulerd', 'yz_audit_ro'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', r);
        END IF;
    END LOOP;
END $$;

CREATE SCHEMA IF NOT EXISTS records;
REVOKE ALL ON SCHEMA records FROM PUBLIC;
GRANT USAGE ON SCHEMA records TO yz_signald, yz_schedulerd, yz_audit_ro;

-- ---------------------------------------------------------------- places and organisations

CREATE TABLE records.regions (
    region_id   bigint      NOT NULL,                  -- 6-digit division code, the shard
    name        text        NOT NULL,
    CONSTRAINT regions_pk PRIMARY KEY (region_id)
);
COMMENT ON TABLE records.regions IS 'reference, no tenant: one row per shard';

CREATE TABLE records.organisations (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- itself: an organisation is its own tenant
    parent_id   bigint,
    name        text        NOT NULL,
    kind        text        NOT NULL,
    care_level  text,                                  -- L1 township centre .. L5 outside the region; none for platforms
    division    text        NOT NULL,
    state       text        NOT NULL DEFAULT 'active',
    CONSTRAINT organisations_pk PRIMARY KEY (region_id, id),
    CONSTRAINT organisation_is_its_tenant CHECK (tenant_id = id),
    CONSTRAINT organisation_kind CHECK (kind IN ('region_platform', 'county_tenant', 'township', 'hospital')),
    CONSTRAINT organisation_level CHECK (care_level IN ('L1', 'L2', 'L3', 'L4', 'L5')),
    CONSTRAINT organisation_state CHECK (state IN ('draft', 'active', 'suspended', 'archived')),
    CONSTRAINT organisations_region_fk FOREIGN KEY (region_id) REFERENCES records.regions (region_id),
    CONSTRAINT organisations_parent_fk FOREIGN KEY (region_id, parent_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX organisations_tenant ON records.organisations (region_id, tenant_id);

-- ---------------------------------------------------------------- people, staff, accounts

CREATE TABLE records.persons (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- who registered the person
    name        text        COLLATE "C" NOT NULL,      -- "C": prefix search is a range comparison
    sex         text        NOT NULL,
    birth_date  date        NOT NULL,
    phone       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT persons_pk PRIMARY KEY (region_id, id),
    CONSTRAINT person_sex CHECK (sex IN ('female', 'male', 'unknown')),
    CONSTRAINT persons_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX persons_tenant_name ON records.persons (region_id, tenant_id, name);

CREATE TABLE records.staff (
    region_id       bigint  NOT NULL,
    id              bigint  NOT NULL,
    tenant_id       bigint  NOT NULL,
    person_id       bigint,                            -- the same human as a patient, when known; never joined for access
    name            text    NOT NULL,
    title           text    NOT NULL,
    licence_no      text,
    licence_from    date,
    licence_until   date,                              -- last valid day
    specialties     text[]  NOT NULL DEFAULT '{}',
    state           text    NOT NULL DEFAULT 'active',
    CONSTRAINT staff_pk PRIMARY KEY (region_id, id),
    CONSTRAINT staff_state CHECK (state IN ('pending', 'active', 'expired', 'revoked')),
    CONSTRAINT staff_licence_whole CHECK ((licence_no IS NULL) = (licence_from IS NULL)
                                      AND (licence_no IS NULL) = (licence_until IS NULL)),
    CONSTRAINT staff_specialist_has_licence CHECK (specialties = '{}' OR licence_no IS NOT NULL),
    CONSTRAINT staff_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX staff_tenant ON records.staff (region_id, tenant_id);

CREATE TABLE records.accounts (
    region_id       bigint      NOT NULL,
    id              bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,
    login           text        COLLATE "C" NOT NULL,
    password_hash   text        NOT NULL,              -- argon2id, encoded; '!' never verifies
    state           text        NOT NULL DEFAULT 'active',
    locale          text        NOT NULL DEFAULT 'zh-CN',
    name            text        NOT NULL,
    person_id       bigint,                            -- a patient's account
    staff_id        bigint,                            -- an employee's account
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT accounts_pk PRIMARY KEY (region_id, id),
    CONSTRAINT account_login_once UNIQUE (region_id, login),
    CONSTRAINT account_login_shape CHECK (login = lower(login) AND length(login) BETWEEN 3 AND 64),
    CONSTRAINT account_state CHECK (state IN ('active', 'locked', 'closed')),
    CONSTRAINT account_locale CHECK (locale IN ('zh-CN', 'en')),
    -- The same human as doctor and as patient has two accounts: a session never mixes the two.
    CONSTRAINT account_is_patient_or_staff CHECK ((person_id IS NULL) <> (staff_id IS NULL)),
    CONSTRAINT accounts_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id),
    CONSTRAINT accounts_person_fk FOREIGN KEY (region_id, person_id) REFERENCES records.persons (region_id, id),
    CONSTRAINT accounts_staff_fk FOREIGN KEY (region_id, staff_id) REFERENCES records.staff (region_id, id)
);
CREATE INDEX accounts_tenant ON records.accounts (region_id, tenant_id);
CREATE INDEX accounts_person ON records.accounts (region_id, person_id) WHERE person_id IS NOT NULL;
CREATE INDEX accounts_staff ON records.accounts (region_id, staff_id) WHERE staff_id IS NOT NULL;

CREATE TABLE records.account_roles (
    region_id   bigint  NOT NULL,
    account_id  bigint  NOT NULL,
    role        text    NOT NULL,
    tenant_id   bigint  NOT NULL,
    CONSTRAINT account_roles_pk PRIMARY KEY (region_id, account_id, role),
    CONSTRAINT account_role_known CHECK (role IN ('patient', 'doctor', 'township_doctor', 'operator', 'reader', 'office',
        'coordinator', 'finance', 'supervisor', 'auditor', 'admin')),
    CONSTRAINT account_roles_account_fk FOREIGN KEY (region_id, account_id) REFERENCES records.accounts (region_id, id)
);
CREATE INDEX account_roles_tenant ON records.account_roles (region_id, tenant_id);

CREATE TABLE records.sessions (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    account_id  bigint      NOT NULL,
    token_hash  bytea       NOT NULL,                  -- sha256 of the cookie; the cookie itself is nowhere
    created_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    CONSTRAINT sessions_pk PRIMARY KEY (region_id, id),
    CONSTRAINT session_token_once UNIQUE (region_id, token_hash),
    CONSTRAINT session_token_is_sha256 CHECK (length(token_hash) = 32),
    CONSTRAINT session_span CHECK (expires_at > created_at),
    CONSTRAINT sessions_account_fk FOREIGN KEY (region_id, account_id) REFERENCES records.accounts (region_id, id)
);
CREATE INDEX sessions_tenant ON records.sessions (region_id, tenant_id);
CREATE INDEX sessions_account ON records.sessions (region_id, account_id);

-- ---------------------------------------------------------------- who may see what

-- subject_id is a person (demographics) or a visit (its seats, notes, consents, recordings): a claim opens this visit,
-- not the person's whole past. Ending a grant moves `until` to now; nothing is deleted.
CREATE TABLE records.access (
    region_id   bigint      NOT NULL,
    subject_id  bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- who may see
    purpose     text        NOT NULL,
    id          bigint      NOT NULL,
    order_id    bigint,                                -- the cause
    granted_at  timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    CONSTRAINT access_pk PRIMARY KEY (region_id, subject_id, tenant_id, purpose, id),
    CONSTRAINT access_purpose CHECK (purpose IN ('booking', 'care', 'record', 'referral', 'sharing')),
    CONSTRAINT access_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX access_tenant ON records.access (region_id, tenant_id, subject_id, until);
CREATE INDEX access_order ON records.access (region_id, order_id);

-- ---------------------------------------------------------------- visits

CREATE TABLE records.visits (
    region_id       bigint      NOT NULL,
    id              bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,              -- keeps the record: the inviting side, or the clinic's hospital
    order_id        bigint      NOT NULL,              -- scheduling.orders; the arrow forbids a foreign key
    person_id       bigint      NOT NULL,
    room_id         text        NOT NULL,              -- a random word, made with the visit, before anyone joins
    channel         text        NOT NULL,
    kind            text        NOT NULL,
    state           text        NOT NULL,              -- mirrors the order
    clinic_name     text,
    starts_at       timestamptz,                       -- planned
    live_at         timestamptz,
    ended_at        timestamptz,
    signed_at       timestamptz,
    signed_by       bigint,                            -- staff
    signed_note_version integer,
    closed_at       timestamptz,                       -- retention clocks start here
    created_at      timestamptz NOT NULL,
    CONSTRAINT visits_pk PRIMARY KEY (region_id, id),
    CONSTRAINT visit_order_once UNIQUE (region_id, order_id),
    CONSTRAINT visit_room_once UNIQUE (region_id, room_id),
    CONSTRAINT visit_channel CHECK (channel IN ('home_direct', 'assisted', 'fd_contract')),
    CONSTRAINT visit_kind CHECK (kind IN ('first_visit', 'follow_up')),
    CONSTRAINT visit_state CHECK (state IN ('draft', 'submitted', 'returned', 'paid_or_exempt', 'pooled', 'booked',
        'claimed', 'waiting', 'live', 'documenting', 'signed', 'closed', 'escalated', 'dispatched', 'cancelled', 'expired',
        'no_show', 'refunded')),
    CONSTRAINT visit_live_when_begun CHECK (live_at IS NOT NULL OR state NOT IN ('live', 'documenting', 'signed', 'closed')),
    CONSTRAINT visit_ended_when_over CHECK (ended_at IS NOT NULL OR state NOT IN ('documenting', 'signed', 'closed')),
    CONSTRAINT visit_signed_whole CHECK ((signed_at IS NULL) = (signed_by IS NULL)
                                     AND (signed_at IS NULL) = (signed_note_version IS NULL)),
    CONSTRAINT visit_signed_when_final CHECK (signed_at IS NOT NULL OR state NOT IN ('signed', 'closed')),
    CONSTRAINT visit_closed_when_closed CHECK ((closed_at IS NOT NULL) = (state = 'closed')),
    CONSTRAINT visits_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id),
    CONSTRAINT visits_person_fk FOREIGN KEY (region_id, person_id) REFERENCES records.persons (region_id, id)
);
CREATE INDEX visits_tenant ON records.visits (region_id, tenant_id, created_at);
CREATE INDEX visits_person ON records.visits (region_id, person_id, created_at);

CREATE TABLE records.visit_seats (
    region_id   bigint      NOT NULL,
    visit_id    bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- who fills the seat
    role        text        NOT NULL,
    account_id  bigint,
    person_id   bigint,
    staff_id    bigint,
    name        text        NOT NULL,                  -- as shown in this visit
    admitted    boolean     NOT NULL DEFAULT false,
    present     boolean     NOT NULL DEFAULT false,    -- as last reported by signald
    joined_at   timestamptz,
    left_at     timestamptz,
    reported_at timestamptz,                           -- when signald last said anything about it
    removed_at  timestamptz,                           -- a claimant who did not come; his seat stays as history
    CONSTRAINT visit_seats_pk PRIMARY KEY (region_id, visit_id, id),
    CONSTRAINT seat_role CHECK (role IN ('patient', 'doctor', 'township_doctor', 'interpreter', 'helper')),
    CONSTRAINT seat_has_someone CHECK (person_id IS NOT NULL OR staff_id IS NOT NULL),
    CONSTRAINT seat_removed_is_empty CHECK (removed_at IS NULL OR NOT (present OR admitted)),
    CONSTRAINT visit_seats_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id)
);
CREATE UNIQUE INDEX visit_seat_one_doctor ON records.visit_seats (region_id, visit_id)
    WHERE role = 'doctor' AND removed_at IS NULL;
CREATE INDEX visit_seats_tenant ON records.visit_seats (region_id, tenant_id);
CREATE INDEX visit_seats_account ON records.visit_seats (region_id, account_id) WHERE account_id IS NOT NULL;

CREATE TABLE records.visit_notes (
    region_id       bigint      NOT NULL,
    visit_id        bigint      NOT NULL,
    version         integer     NOT NULL,
    tenant_id       bigint      NOT NULL,
    staff_id        bigint      NOT NULL,              -- author
    diagnosis_code  text        NOT NULL,
    diagnosis_text  text        NOT NULL,
    text            text        NOT NULL,
    advice          text        NOT NULL,
    written_at      timestamptz NOT NULL,
    CONSTRAINT visit_notes_pk PRIMARY KEY (region_id, visit_id, version),
    CONSTRAINT note_version_counts CHECK (version > 0),
    CONSTRAINT visit_notes_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id)
);
CREATE INDEX visit_notes_tenant ON records.visit_notes (region_id, tenant_id);

CREATE TABLE records.recordings (
    region_id   bigint      NOT NULL,
    visit_id    bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    state       text        NOT NULL,
    dir         text        NOT NULL,                  -- below <data>/recordings
    bytes       bigint      NOT NULL DEFAULT 0,
    manifest    json,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    reason      text        NOT NULL DEFAULT '',
    CONSTRAINT recordings_pk PRIMARY KEY (region_id, visit_id, id),
    CONSTRAINT recording_state CHECK (state IN ('recording', 'processing', 'ready', 'failed')),
    CONSTRAINT recording_ended_when_over CHECK ((ended_at IS NULL) = (state = 'recording')),
    CONSTRAINT recording_ready_has_manifest CHECK (state <> 'ready' OR manifest IS NOT NULL),
    CONSTRAINT recording_dir_stays_inside CHECK (dir !~ '(^/|\.\.)'),
    CONSTRAINT recordings_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id)
);
CREATE INDEX recordings_tenant ON records.recordings (region_id, tenant_id);

-- ---------------------------------------------------------------- consents

CREATE TABLE records.consent_texts (
    region_id   bigint      NOT NULL,
    kind        text        NOT NULL,
    version     integer     NOT NULL,
    locale      text        NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- the platform that published it
    title       text        NOT NULL,
    text        text        NOT NULL,
    text_hash   text        NOT NULL,                  -- hex sha256, given back with the consent: this is what was shown
    required_for text[]     NOT NULL DEFAULT '{}',     -- channels; the rule itself is records/consent.c, a test compares
    effective_from timestamptz NOT NULL,
    CONSTRAINT consent_texts_pk PRIMARY KEY (region_id, kind, version, locale),
    CONSTRAINT consent_text_kind CHECK (kind IN ('service', 'sensitive_data', 'recording', 'record_sharing', 'out_of_region',
        'teaching_use')),
    CONSTRAINT consent_text_hash CHECK (text_hash = encode(sha256(convert_to(text, 'UTF8')), 'hex')),
    CONSTRAINT consent_text_locale CHECK (locale IN ('zh-CN', 'en'))
);
CREATE INDEX consent_texts_tenant ON records.consent_texts (region_id, tenant_id);

-- Append-only: the newest row of a kind says what holds now; a withdrawal is a row with granted = false.
CREATE TABLE records.consents (
    region_id   bigint      NOT NULL,
    visit_id    bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- of the visit
    person_id   bigint      NOT NULL,
    kind        text        NOT NULL,
    version     integer     NOT NULL,
    locale      text        NOT NULL,
    text_hash   text        NOT NULL,
    granted     boolean     NOT NULL,
    account_id  bigint      NOT NULL,                  -- who pressed: the patient, or staff beside the patient
    at          timestamptz NOT NULL,
    CONSTRAINT consents_pk PRIMARY KEY (region_id, visit_id, id),
    CONSTRAINT consents_text_fk FOREIGN KEY (region_id, kind, version, locale)
        REFERENCES records.consent_texts (region_id, kind, version, locale),
    CONSTRAINT consents_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id)
);
CREATE INDEX consents_tenant ON records.consents (region_id, tenant_id);
CREATE INDEX consents_latest ON records.consents (region_id, visit_id, kind, id DESC);

-- ---------------------------------------------------------------- streams: events and audit

-- One row per writing process: where its streams stand. Its UPDATE is in the transaction of every event and audit row,
-- so a second process under the same name (an older epoch) changes no row and rolls back.
CREATE TABLE records.writers (
    region_id   bigint      NOT NULL,
    writer_id   text        NOT NULL,                  -- 'sched', 'signal-1'
    epoch       bigint      NOT NULL,
    event_seq   bigint      NOT NULL DEFAULT 0,        -- last given; goes on across epochs
    audit_seq   bigint      NOT NULL DEFAULT 0,
    audit_head  bytea       NOT NULL,                  -- hash of the last audit row; 32 zero bytes before the first
    CONSTRAINT writers_pk PRIMARY KEY (region_id, writer_id),
    CONSTRAINT writer_seqs CHECK (epoch > 0 AND event_seq >= 0 AND audit_seq >= 0),
    CONSTRAINT writer_head_is_sha256 CHECK (length(audit_head) = 32)
);
COMMENT ON TABLE records.writers IS 'no tenant: a writer serves its whole region';

CREATE TABLE records.events (
    region_id   bigint      NOT NULL,
    writer_id   text        NOT NULL,
    epoch       bigint      NOT NULL,
    seq         bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- of the subject
    at          timestamptz NOT NULL,
    topic       text        NOT NULL,
    subject_id  bigint      NOT NULL,
    to_tenants  bigint[]    NOT NULL DEFAULT '{}',
    to_accounts bigint[]    NOT NULL DEFAULT '{}',
    to_roles    integer     NOT NULL DEFAULT 0,
    data        json        NOT NULL,
    CONSTRAINT events_pk PRIMARY KEY (region_id, writer_id, epoch, seq),
    CONSTRAINT event_seq_once UNIQUE (region_id, writer_id, seq)
);
CREATE INDEX events_tenant ON records.events (region_id, tenant_id);

CREATE TABLE records.audit (
    region_id   bigint      NOT NULL,
    writer_id   text        NOT NULL,
    epoch       bigint      NOT NULL,
    seq         bigint      NOT NULL,
    id          bigint      NOT NULL,                  -- for paging over several writers
    tenant_id   bigint      NOT NULL,                  -- whose auditor sees it: the owner of the subject
    actor_tenant_id bigint  NOT NULL,                  -- where the actor works
    account_id  bigint      NOT NULL,                  -- 0: the system
    actor_name  text        NOT NULL DEFAULT '',       -- of staff, as it was: the patient's access list shows it
    person_id   bigint      NOT NULL DEFAULT 0,        -- whose data, for the person's own access list; 0: nobody's
    subject_kind text       NOT NULL DEFAULT '',       -- 'order', 'visit', 'session' …
    subject_id  bigint      NOT NULL DEFAULT 0,
    action      text        NOT NULL,                  -- 'order.claim'
    outcome     text        NOT NULL,                  -- 'ok', 'won', 'claim_lost', …
    request_id  text        NOT NULL DEFAULT '',
    detail      json        NOT NULL DEFAULT '{}',     -- json, not jsonb: the text is part of the hash
    at          timestamptz NOT NULL,
    prev_hash   bytea       NOT NULL,
    hash        bytea       NOT NULL,
    CONSTRAINT audit_pk PRIMARY KEY (region_id, writer_id, epoch, seq),
    CONSTRAINT audit_seq_once UNIQUE (region_id, writer_id, seq),
    CONSTRAINT audit_hashes CHECK (length(prev_hash) = 32 AND length(hash) = 32)
);
CREATE INDEX audit_tenant ON records.audit (region_id, tenant_id, id);
CREATE INDEX audit_person ON records.audit (region_id, person_id, id) WHERE person_id <> 0;
CREATE INDEX audit_subject ON records.audit (region_id, subject_id, id);

-- A seal joins the writers' heads as one tenant sees them and signs them.
CREATE TABLE records.audit_seals (
    region_id   bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    seq         bigint      NOT NULL,
    at          timestamptz NOT NULL,
    heads       json        NOT NULL,                  -- [{"writer":…,"seq":…,"hash":…,"rows":…}], text is part of the hash
    prev_hash   bytea       NOT NULL,
    hash        bytea       NOT NULL,
    public_key  bytea       NOT NULL,
    signature   bytea       NOT NULL,
    CONSTRAINT audit_seals_pk PRIMARY KEY (region_id, tenant_id, seq),
    CONSTRAINT seal_sizes CHECK (length(prev_hash) = 32 AND length(hash) = 32 AND length(public_key) = 32
                             AND length(signature) = 64)
);

-- ---------------------------------------------------------------- who asks: the settings of core/db's scope

CREATE FUNCTION records.ctx_region() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('yz.region', true), '')::bigint $$;
CREATE FUNCTION records.ctx_actor() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('yz.actor', true), ''), '0')::bigint $$;

-- The tenant under which rows are shown. A patient's account has none: belonging to a hospital's register must not show
-- the hospital's patients. An account that is not of the tenant it claims sees nothing. Actor 0 is the daemon's own work.
-- SECURITY DEFINER because it judges the account before any policy can.
CREATE FUNCTION records.ctx_tenant() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT t.tenant
            FROM (SELECT coalesce(nullif(current_setting('yz.region', true), ''), '0')::bigint AS region,
                         coalesce(nullif(current_setting('yz.tenant', true), ''), '0')::bigint AS tenant,
                         coalesce(nullif(current_setting('yz.actor', true), ''), '0')::bigint AS actor) t
           WHERE t.tenant <> 0
             AND (t.actor = 0 OR EXISTS (SELECT 1 FROM records.accounts a
                                          WHERE a.region_id = t.region AND a.id = t.actor AND a.tenant_id = t.tenant
                                            AND a.staff_id IS NOT NULL AND a.state = 'active')) $$;
CREATE FUNCTION records.ctx_person() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT a.person_id FROM records.accounts a
           WHERE a.region_id = nullif(current_setting('yz.region', true), '')::bigint
             AND a.id = nullif(current_setting('yz.actor', true), '')::bigint
             AND a.state = 'active' $$;

-- Before anyone is known there is no tenant to show rows under. These two answer exactly one row for exactly one secret
-- or name, and only what the caller needs; the password hash leaves the database nowhere else.
CREATE FUNCTION records.account_for_login(p_region bigint, p_login text)
    RETURNS TABLE (id bigint, tenant_id bigint, password_hash text, state text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT a.id, a.tenant_id, a.password_hash, a.state FROM records.accounts a
            JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.tenant_id AND o.state = 'active'
           WHERE a.region_id = p_region AND a.login = lower(p_login) $$;
CREATE FUNCTION records.session_for_token(p_region bigint, p_token_hash bytea)
    RETURNS TABLE (session_id bigint, account_id bigint, tenant_id bigint, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT s.id, s.account_id, s.tenant_id, s.expires_at FROM records.sessions s
            JOIN records.accounts a ON a.region_id = s.region_id AND a.id = s.account_id AND a.state = 'active'
            JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.tenant_id AND o.state = 'active'
           WHERE s.region_id = p_region AND s.token_hash = p_token_hash
             AND s.revoked_at IS NULL AND s.expires_at > now() $$;
REVOKE ALL ON FUNCTION records.account_for_login(bigint, text), records.session_for_token(bigint, bytea),
    records.ctx_tenant(), records.ctx_person() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION records.account_for_login(bigint, text), records.session_for_token(bigint, bytea),
    records.ctx_tenant(), records.ctx_person() TO yz_signald;

-- ---------------------------------------------------------------- row security
-- FORCED: the owner, too, sees only through a policy (its own, so that migrations and loaders can work).
-- The context functions stand in sub-selects so that they run once per statement, not once per row.

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['organisations', 'persons', 'staff', 'accounts', 'account_roles', 'sessions', 'access', 'visits',
                             'visit_seats', 'visit_notes', 'recordings', 'consent_texts', 'consents', 'writers', 'events',
                             'audit', 'audit_seals'] LOOP
        EXECUTE format('ALTER TABLE records.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE records.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON records.%I TO yz_owner USING (true) WITH CHECK (true)', t);
        -- The region's owner decides for all its tenants; every batch row carries and checks its actor's tenant.
        EXECUTE format('CREATE POLICY sched_region ON records.%I TO yz_schedulerd '
                       'USING (region_id = (SELECT records.ctx_region())) '
                       'WITH CHECK (region_id = (SELECT records.ctx_region()))', t);
    END LOOP;
END $$;

-- yz_signald: owner tenant, live grant, or the patient's own.
CREATE POLICY signal_region ON records.organisations FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region()));
CREATE POLICY signal_region ON records.consent_texts FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region()));

CREATE POLICY signal_sees ON records.access FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region())
       AND (tenant_id = (SELECT records.ctx_tenant()) OR subject_id = (SELECT records.ctx_person())));

CREATE POLICY signal_sees ON records.persons FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region())
       AND (tenant_id = (SELECT records.ctx_tenant())
         OR id = (SELECT records.ctx_person())
         OR EXISTS (SELECT 1 FROM records.access a
                     WHERE a.region_id = persons.region_id AND a.subject_id = persons.id
                       AND a.tenant_id = (SELECT records.ctx_tenant()) AND a.until > now())));

CREATE POLICY signal_sees ON records.staff FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()));

CREATE POLICY signal_sees ON records.accounts FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region())
       AND (id = (SELECT records.ctx_actor()) OR tenant_id = (SELECT records.ctx_tenant())));
CREATE POLICY signal_own_locale ON records.accounts FOR UPDATE TO yz_signald
    USING (region_id = (SELECT records.ctx_region()) AND id = (SELECT records.ctx_actor()));

CREATE POLICY signal_sees ON records.account_roles FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region())
       AND (account_id = (SELECT records.ctx_actor()) OR tenant_id = (SELECT records.ctx_tenant())));

CREATE POLICY signal_own ON records.sessions TO yz_signald
    USING (region_id = (SELECT records.ctx_region()) AND account_id = (SELECT records.ctx_actor()));

CREATE POLICY signal_sees ON records.visits FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region())
       AND (tenant_id = (SELECT records.ctx_tenant())
         OR person_id = (SELECT records.ctx_person())
         OR EXISTS (SELECT 1 FROM records.access a
                     WHERE a.region_id = visits.region_id AND a.subject_id = visits.id
                       AND a.tenant_id = (SELECT records.ctx_tenant()) AND a.until > now())));

-- What belongs to a visit is seen by whoever sees the visit: the inner SELECT is under the policy above.
CREATE POLICY signal_sees ON records.visit_seats FOR SELECT TO yz_signald
    USING (EXISTS (SELECT 1 FROM records.visits v
                    WHERE v.region_id = visit_seats.region_id AND v.id = visit_seats.visit_id));
CREATE POLICY signal_sees ON records.visit_notes FOR SELECT TO yz_signald
    USING (EXISTS (SELECT 1 FROM records.visits v
                    WHERE v.region_id = visit_notes.region_id AND v.id = visit_notes.visit_id));
CREATE POLICY signal_sees ON records.recordings TO yz_signald
    USING (EXISTS (SELECT 1 FROM records.visits v
                    WHERE v.region_id = recordings.region_id AND v.id = recordings.visit_id))
    WITH CHECK (EXISTS (SELECT 1 FROM records.visits v
                    WHERE v.region_id = recordings.region_id AND v.id = recordings.visit_id
                      AND v.tenant_id = recordings.tenant_id));
CREATE POLICY signal_sees ON records.consents FOR SELECT TO yz_signald
    USING (EXISTS (SELECT 1 FROM records.visits v
                    WHERE v.region_id = consents.region_id AND v.id = consents.visit_id));
CREATE POLICY signal_gives ON records.consents FOR INSERT TO yz_signald
    WITH CHECK (account_id = (SELECT records.ctx_actor())
            AND EXISTS (SELECT 1 FROM records.visits v
                         WHERE v.region_id = consents.region_id AND v.id = consents.visit_id
                           AND v.tenant_id = consents.tenant_id AND v.person_id = consents.person_id));

-- Streams: each daemon writes under its own name only.
CREATE POLICY signal_stream ON records.writers TO yz_signald
    USING (region_id = (SELECT records.ctx_region()) AND writer_id >= 'signal' AND writer_id < 'signam');
CREATE POLICY signal_stream ON records.events TO yz_signald
    USING (region_id = (SELECT records.ctx_region()) AND writer_id >= 'signal' AND writer_id < 'signam');
CREATE POLICY signal_writes ON records.audit FOR INSERT TO yz_signald
    WITH CHECK (region_id = (SELECT records.ctx_region()) AND writer_id >= 'signal' AND writer_id < 'signam');
CREATE POLICY signal_sees ON records.audit FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region())
       AND (tenant_id = (SELECT records.ctx_tenant()) OR person_id = (SELECT records.ctx_person())));
CREATE POLICY signal_sees ON records.audit_seals FOR SELECT TO yz_signald
    USING (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()));
-- (schedulerd reads the others' heads and rows: it is the sealer)
CREATE POLICY sched_own_new ON records.writers AS RESTRICTIVE FOR INSERT TO yz_schedulerd WITH CHECK (writer_id = 'sched');
CREATE POLICY sched_own_row ON records.writers AS RESTRICTIVE FOR UPDATE TO yz_schedulerd USING (writer_id = 'sched');
CREATE POLICY sched_own_name ON records.events AS RESTRICTIVE TO yz_schedulerd USING (writer_id = 'sched');
CREATE POLICY sched_own_name ON records.audit AS RESTRICTIVE FOR INSERT TO yz_schedulerd WITH CHECK (writer_id = 'sched');

-- Proof runs over every region and tenant, reads only, and sees no person but the ids in the rows.
CREATE POLICY verify_all ON records.audit FOR SELECT TO yz_audit_ro USING (true);
CREATE POLICY verify_all ON records.audit_seals FOR SELECT TO yz_audit_ro USING (true);
CREATE POLICY verify_all ON records.writers FOR SELECT TO yz_audit_ro USING (true);

-- ---------------------------------------------------------------- privileges
-- Nobody but the owner may DELETE anything; append-only tables have no UPDATE either.

GRANT SELECT ON records.regions, records.organisations TO yz_signald, yz_schedulerd;
GRANT SELECT ON records.audit, records.audit_seals, records.writers, records.regions TO yz_audit_ro;

GRANT SELECT ON records.persons, records.account_roles, records.consent_texts, records.access, records.visits,
    records.visit_seats, records.visit_notes, records.audit_seals TO yz_signald;
GRANT SELECT (region_id, id, tenant_id, name, title, specialties, state) ON records.staff TO yz_signald;
GRANT SELECT (region_id, id, tenant_id, login, state, locale, name, person_id, staff_id, created_at) ON records.accounts TO yz_signald;
GRANT UPDATE (locale) ON records.accounts TO yz_signald;
GRANT SELECT (region_id, id, tenant_id, account_id, created_at, seen_at, expires_at, revoked_at), INSERT,
    UPDATE (seen_at, expires_at, revoked_at) ON records.sessions TO yz_signald;
GRANT SELECT, INSERT ON records.consents, records.audit, records.events TO yz_signald;
GRANT SELECT, INSERT, UPDATE (state, bytes, manifest, ended_at, reason) ON records.recordings TO yz_signald;
GRANT SELECT, INSERT, UPDATE (epoch, event_seq, audit_seq, audit_head) ON records.writers TO yz_signald, yz_schedulerd;

GRANT SELECT (region_id, id, tenant_id, name, sex, birth_date) ON records.persons TO yz_schedulerd;
GRANT SELECT ON records.staff, records.account_roles, records.consent_texts, records.consents TO yz_schedulerd;
GRANT SELECT (region_id, id, tenant_id, login, state, locale, name, person_id, staff_id) ON records.accounts TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (until) ON records.access TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (state, live_at, ended_at, signed_at, signed_by, signed_note_version, closed_at)
    ON records.visits TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (admitted, present, joined_at, left_at, reported_at, removed_at) ON records.visit_seats TO yz_schedulerd;
GRANT SELECT, INSERT ON records.visit_notes, records.events, records.audit, records.audit_seals TO yz_schedulerd;
