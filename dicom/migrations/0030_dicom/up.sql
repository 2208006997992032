-- 0030_dicom: which machines may send, what came, and what was refused and kept. The study itself is records.studies.

CREATE SCHEMA IF NOT EXISTS dicom;
REVOKE ALL ON SCHEMA dicom FROM PUBLIC;
GRANT USAGE ON SCHEMA dicom TO yz_dicomd;

-- The access list: a calling AE title at an address belongs to a house. '*' stands for every title that is not listed.
CREATE TABLE dicom.ae_titles (
    region_id   bigint      NOT NULL,
    ae          text        COLLATE "C" NOT NULL,
    peers       cidr        NOT NULL,                  -- from where it may come
    tenant_id   bigint      NOT NULL,
    note        text        NOT NULL DEFAULT '',
    active      boolean     NOT NULL DEFAULT true,
    CONSTRAINT ae_titles_pk PRIMARY KEY (region_id, ae, peers),
    CONSTRAINT ae_title_shape CHECK (ae ~ '^[ -\[\]-~]{1,16}$' AND ae = btrim(ae)),
    CONSTRAINT ae_titles_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX ae_titles_tenant ON dicom.ae_titles (region_id, tenant_id);

CREATE TABLE dicom.series (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    study_id    bigint      NOT NULL,
    series_uid  text        COLLATE "C" NOT NULL,
    modality    text        NOT NULL DEFAULT '',
    number      integer,                               -- as sent
    description text        NOT NULL DEFAULT '',
    body_part   text        NOT NULL DEFAULT '',
    n_instances integer     NOT NULL DEFAULT 0,
    version     integer     NOT NULL DEFAULT 0,        -- raised whenever an instance is added
    first_at    timestamptz NOT NULL,
    CONSTRAINT series_pk PRIMARY KEY (region_id, id),
    CONSTRAINT series_uid_once UNIQUE (region_id, study_id, series_uid),
    CONSTRAINT series_uid_shape CHECK (series_uid ~ '^[0-9.]{1,64}$'),
    CONSTRAINT series_counts CHECK (n_instances >= 0 AND version >= 0),
    CONSTRAINT series_study_fk FOREIGN KEY (region_id, study_id) REFERENCES records.studies (region_id, id)
);
CREATE INDEX series_tenant ON dicom.series (region_id, tenant_id);

CREATE TABLE dicom.instances (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    study_id    bigint      NOT NULL,
    series_id   bigint      NOT NULL,
    sop_uid     text        COLLATE "C" NOT NULL,
    sop_class   text        NOT NULL,
    transfer_syntax text    NOT NULL,
    number      integer,                               -- as sent
    path        text        NOT NULL,                  -- of the file, below <data>/imaging
    index_path  text        NOT NULL,                  -- of what INDEX gave, below <data>/imaging
    bytes       bigint      NOT NULL,                  -- of the file
    data_begin  bigint      NOT NULL,                  -- where the data set begins in the file
    sha256      bytea       NOT NULL,                  -- of the data set as it was received
    rows        integer,
    cols        integer,
    frames      integer     NOT NULL DEFAULT 0,        -- pictures in it; 0: none
    bits_allocated integer,
    received_at timestamptz NOT NULL,
    source      text        NOT NULL DEFAULT '',       -- calling AE or account
    CONSTRAINT instances_pk PRIMARY KEY (region_id, id),
    CONSTRAINT instance_sop_uid_once UNIQUE (region_id, tenant_id, sop_uid),
    CONSTRAINT instance_uid_shape CHECK (sop_uid ~ '^[0-9.]{1,64}$'),
    CONSTRAINT instance_path_stays_inside CHECK (path !~ '(^/|\.\.)' AND index_path !~ '(^/|\.\.)'),
    CONSTRAINT instance_hash CHECK (length(sha256) = 32),
    CONSTRAINT instance_sizes CHECK (bytes > 0 AND data_begin >= 0 AND data_begin < bytes AND frames >= 0),
    CONSTRAINT instances_series_fk FOREIGN KEY (region_id, series_id) REFERENCES dicom.series (region_id, id),
    CONSTRAINT instances_study_fk FOREIGN KEY (region_id, study_id) REFERENCES records.studies (region_id, id)
);
CREATE INDEX instances_tenant ON dicom.instances (region_id, tenant_id);
CREATE INDEX instances_study ON dicom.instances (region_id, study_id);
CREATE INDEX instances_series ON dicom.instances (region_id, series_id, number);

-- What was refused and kept, for whoever has to find out what happened. Append-only.
CREATE TABLE dicom.quarantine (
    region_id   bigint      NOT NULL,
    id          bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,
    reason      text        NOT NULL,                  -- stable word: 'not_dicom', 'same_uid_other_bytes' …
    status      integer     NOT NULL,                  -- what the sender was told
    study_uid   text        NOT NULL DEFAULT '',       -- as far as it could be read
    sop_uid     text        NOT NULL DEFAULT '',
    sop_class   text        NOT NULL DEFAULT '',
    path        text        NOT NULL,                  -- below <data>/imaging
    bytes       bigint      NOT NULL,
    sha256      bytea       NOT NULL,
    source      text        NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL,
    CONSTRAINT quarantine_pk PRIMARY KEY (region_id, id),
    CONSTRAINT quarantine_path_stays_inside CHECK (path !~ '(^/|\.\.)'),
    CONSTRAINT quarantine_hash CHECK (length(sha256) = 32)
);
CREATE INDEX quarantine_tenant ON dicom.quarantine (region_id, tenant_id, received_at);

-- ---------------------------------------------------------------- row security

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['ae_titles', 'series', 'instances', 'quarantine'] LOOP
        EXECUTE format('ALTER TABLE dicom.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE dicom.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON dicom.%I TO yz_owner USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

-- Who may call is looked up before anybody is known.
CREATE POLICY dicom_region ON dicom.ae_titles FOR SELECT TO yz_dicomd
    USING (region_id = (SELECT records.ctx_region()));

-- Series and instances are seen by whoever sees the study; written for the house that sent them, as the daemon's own work.
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['series', 'instances'] LOOP
        EXECUTE format('CREATE POLICY caller_sees ON dicom.%1$I FOR SELECT TO yz_dicomd USING (EXISTS (SELECT 1 FROM records.studies s '
                       'WHERE s.region_id = %1$I.region_id AND s.id = %1$I.study_id))', t);
        EXECUTE format('CREATE POLICY dicom_makes ON dicom.%I FOR INSERT TO yz_dicomd '
                       'WITH CHECK (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()))', t);
    END LOOP;
END $$;
CREATE POLICY dicom_keeps ON dicom.series FOR UPDATE TO yz_dicomd
    USING (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()))
    WITH CHECK (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()));

CREATE POLICY caller_sees ON dicom.quarantine FOR SELECT TO yz_dicomd
    USING (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant())
       AND ((SELECT records.ctx_actor()) = 0 OR (SELECT records.ctx_accompanies())));
CREATE POLICY dicom_makes ON dicom.quarantine FOR INSERT TO yz_dicomd
    WITH CHECK (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()));

-- The daemon's own housekeeping has no caller and no tenant: it must find the studies that nobody sends to any more.
CREATE POLICY dicom_watches ON records.studies FOR SELECT TO yz_dicomd
    USING (region_id = (SELECT records.ctx_region()) AND state = 'arriving' AND (SELECT records.ctx_actor()) = 0
       AND coalesce(nullif(current_setting('yz.tenant', true), ''), '0') = '0');

-- ---------------------------------------------------------------- privileges

GRANT SELECT ON dicom.ae_titles TO yz_dicomd;
GRANT SELECT, INSERT, UPDATE (modality, number, description, body_part, n_instances, version) ON dicom.series TO yz_dicomd;
GRANT SELECT, INSERT ON dicom.instances, dicom.quarantine TO yz_dicomd;
