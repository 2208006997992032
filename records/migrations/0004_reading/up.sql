-- 0004_reading: exams that were asked for, studies that came, reports that were signed. What one owner (yz-schedulerd: exams,
-- reports; yz-dicomd: studies) must know of the other is a row here.

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'yz_dicomd') THEN
        CREATE ROLE yz_dicomd LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
END $$;
GRANT USAGE ON SCHEMA records TO yz_dicomd;

-- A reader's claim opens the exam, its study and, for priors, the person: see ctx_reads().
ALTER TABLE records.access DROP CONSTRAINT access_purpose;
ALTER TABLE records.access ADD CONSTRAINT access_purpose
    CHECK (purpose IN ('booking', 'care', 'record', 'referral', 'sharing', 'reading'));
COMMENT ON COLUMN records.access.subject_id IS 'a person, a visit, an exam or a study';
COMMENT ON COLUMN records.access.order_id IS 'the cause: an order or an exam';

-- ---------------------------------------------------------------- exams

CREATE TABLE records.exams (
    region_id       bigint      NOT NULL,
    id              bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,              -- the house that examines: it keeps the visit's record, too
    version         integer     NOT NULL DEFAULT 1,
    state           text        NOT NULL,
    accession_no    text        NOT NULL,              -- Crockford base32 of id: SH, at most 16 characters
    visit_id        bigint      NOT NULL,
    person_id       bigint      NOT NULL,
    age_band        text        NOT NULL,              -- what a reader sees before he claims
    sex             text        NOT NULL,
    kind            text        NOT NULL,
    modality        text        NOT NULL,              -- DICOM's words
    procedure       text        NOT NULL,
    question        text        NOT NULL,              -- the clinical question
    urgency         text        NOT NULL,
    ordered_by      bigint      NOT NULL,              -- staff
    ordered_at      timestamptz NOT NULL,
    retake_of       bigint,                            -- the exam whose image was bad
    study_id        bigint,
    pooled_at       timestamptz,                       -- when the clock began
    deadline_at     timestamptz,                       -- turnaround; overdue is shown, nothing else happens by it
    reader_id       bigint,                            -- staff
    reader_tenant_id bigint,
    claimed_at      timestamptz,
    signed_at       timestamptz,                       -- the first version
    delivered_at    timestamptz,
    report_version  integer,                           -- newest
    reject_code     text        NOT NULL DEFAULT '',
    reject_reason   text        NOT NULL DEFAULT '',
    critical        boolean     NOT NULL DEFAULT false,
    cancelled_at    timestamptz,
    cancelled_by    bigint,                            -- account
    cancel_reason   text        NOT NULL DEFAULT '',
    CONSTRAINT exams_pk PRIMARY KEY (region_id, id),
    CONSTRAINT exam_accession_once UNIQUE (region_id, accession_no),
    CONSTRAINT exam_accession_shape CHECK (accession_no ~ '^[0-9A-HJKMNP-TV-Z]{13}$'),
    CONSTRAINT exam_state CHECK (state IN ('ordered', 'acquired', 'uploaded', 'pooled', 'claimed', 'draft', 'signed', 'delivered',
        'amended', 'rejected', 'cancelled')),
    CONSTRAINT exam_kind CHECK ((kind = 'ecg') = (modality = 'ECG') AND kind IN ('image', 'ecg')),
    CONSTRAINT exam_modality CHECK (modality IN ('CT', 'DX', 'US', 'ECG')),
    CONSTRAINT exam_urgency CHECK (urgency IN ('normal', 'urgent', 'emergency')),
    CONSTRAINT exam_version_counts CHECK (version > 0),
    CONSTRAINT exam_study_when_it_came CHECK (study_id IS NOT NULL OR state IN ('ordered', 'cancelled')),
    CONSTRAINT exam_clock_when_pooled CHECK ((pooled_at IS NOT NULL) = (deadline_at IS NOT NULL)
        AND (pooled_at IS NOT NULL OR state IN ('ordered', 'acquired', 'uploaded', 'cancelled'))),
    CONSTRAINT exam_reader_whole CHECK ((reader_id IS NULL) = (reader_tenant_id IS NULL) AND (reader_id IS NULL) = (claimed_at IS NULL)),
    CONSTRAINT exam_reader_when_taken CHECK ((reader_id IS NOT NULL)
        = (state IN ('claimed', 'draft', 'signed', 'delivered', 'amended', 'rejected'))),
    CONSTRAINT exam_report_when_signed CHECK ((signed_at IS NOT NULL) = (state IN ('signed', 'delivered', 'amended'))
        AND (signed_at IS NOT NULL) = (report_version IS NOT NULL)),
    CONSTRAINT exam_delivered_when_out CHECK ((delivered_at IS NOT NULL) = (state IN ('delivered', 'amended'))),
    CONSTRAINT exam_rejected_says_why CHECK ((state = 'rejected') = (reject_code <> '') AND (state <> 'rejected' OR reject_reason <> '')),
    CONSTRAINT exam_cancelled_says_who CHECK ((cancelled_at IS NOT NULL) = (state = 'cancelled')
        AND (cancelled_at IS NULL) = (cancelled_by IS NULL)),
    CONSTRAINT exams_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id),
    CONSTRAINT exams_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id),
    CONSTRAINT exams_person_fk FOREIGN KEY (region_id, person_id) REFERENCES records.persons (region_id, id),
    CONSTRAINT exams_retake_fk FOREIGN KEY (region_id, retake_of) REFERENCES records.exams (region_id, id)
);
CREATE UNIQUE INDEX exam_one_retake ON records.exams (region_id, retake_of) WHERE retake_of IS NOT NULL;
CREATE UNIQUE INDEX exam_one_per_study ON records.exams (region_id, study_id) WHERE study_id IS NOT NULL;
CREATE INDEX exams_tenant ON records.exams (region_id, tenant_id, ordered_at);
CREATE INDEX exams_visit ON records.exams (region_id, visit_id);
CREATE INDEX exams_person ON records.exams (region_id, person_id, ordered_at);
CREATE INDEX exams_reader ON records.exams (region_id, reader_id, claimed_at) WHERE reader_id IS NOT NULL;
CREATE INDEX exams_pool ON records.exams (region_id, deadline_at) WHERE state = 'pooled';
CREATE INDEX exams_in_hand ON records.exams (region_id, claimed_at) WHERE state IN ('claimed', 'draft');
CREATE INDEX exams_under_way ON records.exams (region_id, tenant_id, modality) WHERE state IN ('ordered', 'acquired', 'uploaded');

-- ---------------------------------------------------------------- studies

CREATE TABLE records.studies (
    region_id       bigint      NOT NULL,
    id              bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,              -- who sent it
    study_uid       text        COLLATE "C" NOT NULL,
    exam_id         bigint,
    visit_id        bigint,
    person_id       bigint,                            -- none: unmatched
    patient_name    text        COLLATE "C" NOT NULL DEFAULT '', -- repaired UTF-8; what came stands in the file
    patient_no      text        COLLATE "C" NOT NULL DEFAULT '',
    patient_sex     text        NOT NULL DEFAULT '',   -- as sent
    patient_birth   text        NOT NULL DEFAULT '',   -- as sent
    accession_no    text        COLLATE "C" NOT NULL DEFAULT '',
    modality        text        NOT NULL DEFAULT '',   -- of its first series; the rest is dicom.series
    description     text        NOT NULL DEFAULT '',
    study_at        timestamptz,                       -- as sent
    state           text        NOT NULL DEFAULT 'arriving',
    matched         boolean     NOT NULL DEFAULT false,
    mismatch        text        NOT NULL DEFAULT '',   -- why it was not attached by itself: 'patient_mismatch'
    matched_at      timestamptz,
    matched_by      bigint,                            -- account; 0: by accession number and patient id
    match_reason    text        NOT NULL DEFAULT '',
    return_reason   text        NOT NULL DEFAULT '',
    n_series        integer     NOT NULL DEFAULT 0,
    n_instances     integer     NOT NULL DEFAULT 0,
    bytes           bigint      NOT NULL DEFAULT 0,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    complete_at     timestamptz,
    source          text        NOT NULL DEFAULT '',   -- calling AE or account
    charset_note    text        NOT NULL DEFAULT '',   -- what was repaired
    CONSTRAINT studies_pk PRIMARY KEY (region_id, id),
    CONSTRAINT study_uid_once UNIQUE (region_id, tenant_id, study_uid),
    CONSTRAINT study_uid_shape CHECK (study_uid ~ '^[0-9.]{1,64}$'),
    CONSTRAINT study_state CHECK (state IN ('arriving', 'complete', 'returned')),
    CONSTRAINT study_counts CHECK (n_series >= 0 AND n_instances >= 0 AND bytes >= 0),
    CONSTRAINT study_matched_whole CHECK (matched = (person_id IS NOT NULL) AND matched = (exam_id IS NOT NULL)
        AND matched = (visit_id IS NOT NULL) AND matched = (matched_at IS NOT NULL) AND matched = (matched_by IS NOT NULL)),
    CONSTRAINT study_complete_when CHECK (complete_at IS NOT NULL OR state <> 'complete'),
    CONSTRAINT study_returned_says_why CHECK ((state = 'returned') = (return_reason <> '') AND (state <> 'returned' OR NOT matched)),
    CONSTRAINT studies_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id),
    CONSTRAINT studies_exam_fk FOREIGN KEY (region_id, exam_id) REFERENCES records.exams (region_id, id),
    CONSTRAINT studies_person_fk FOREIGN KEY (region_id, person_id) REFERENCES records.persons (region_id, id),
    CONSTRAINT studies_visit_fk FOREIGN KEY (region_id, visit_id) REFERENCES records.visits (region_id, id)
);
CREATE UNIQUE INDEX study_one_per_exam ON records.studies (region_id, exam_id) WHERE exam_id IS NOT NULL;
CREATE INDEX studies_tenant ON records.studies (region_id, tenant_id, first_at);
CREATE INDEX studies_unmatched ON records.studies (region_id, tenant_id, last_at) WHERE NOT matched AND state <> 'returned';
CREATE INDEX studies_uid ON records.studies (region_id, study_uid);
CREATE INDEX studies_person ON records.studies (region_id, person_id, first_at) WHERE person_id IS NOT NULL;
CREATE INDEX studies_visit ON records.studies (region_id, visit_id) WHERE visit_id IS NOT NULL;
CREATE INDEX studies_patient_name ON records.studies (region_id, tenant_id, patient_name);

ALTER TABLE records.exams ADD CONSTRAINT exams_study_fk FOREIGN KEY (region_id, study_id) REFERENCES records.studies (region_id, id);

-- ---------------------------------------------------------------- reports

-- Append-only: an amendment is the next version, and both stay. The signature covers content_hash, which covers every column
-- before it and the hash of the version before (records/report.c).
CREATE TABLE records.reports (
    region_id       bigint      NOT NULL,
    exam_id         bigint      NOT NULL,
    version         integer     NOT NULL,
    tenant_id       bigint      NOT NULL,              -- of the exam
    person_id       bigint      NOT NULL,
    study_uid       text        NOT NULL,              -- what was read
    accession_no    text        NOT NULL,
    author_tenant_id bigint     NOT NULL,
    staff_id        bigint      NOT NULL,
    staff_name      text        NOT NULL,              -- as it was
    kind            text        NOT NULL,
    findings        text        NOT NULL,
    impression      text        NOT NULL,
    critical_finding text       NOT NULL DEFAULT '',
    template        text        NOT NULL DEFAULT '',
    reason          text        NOT NULL DEFAULT '',   -- of an amendment
    written_at      timestamptz NOT NULL,              -- last saved
    signed_at       timestamptz NOT NULL,
    code            text        NOT NULL,              -- on the paper, to be checked by anybody who holds it
    prev_hash       bytea       NOT NULL,              -- 32 zero bytes before the first version
    content_hash    bytea       NOT NULL,
    public_key      bytea       NOT NULL,
    signature       bytea       NOT NULL,              -- Ed25519
    CONSTRAINT reports_pk PRIMARY KEY (region_id, exam_id, version),
    CONSTRAINT report_code_once UNIQUE (region_id, code),
    CONSTRAINT report_code_shape CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{26}$'),
    CONSTRAINT report_kind CHECK (kind IN ('signed', 'amendment') AND (kind = 'signed') = (version = 1)),
    CONSTRAINT report_amendment_says_why CHECK ((kind = 'amendment') = (reason <> '')),
    CONSTRAINT report_says_something CHECK (impression <> ''),
    CONSTRAINT report_version_counts CHECK (version > 0),
    CONSTRAINT report_sizes CHECK (length(prev_hash) = 32 AND length(content_hash) = 32 AND length(public_key) = 32
        AND length(signature) = 64),
    CONSTRAINT reports_exam_fk FOREIGN KEY (region_id, exam_id) REFERENCES records.exams (region_id, id)
);
CREATE INDEX reports_tenant ON records.reports (region_id, tenant_id, signed_at);

-- ---------------------------------------------------------------- who asks

-- Has the asking account claimed that exam? A claim opens pictures to the reader, not to his hospital. Actor 0 is a daemon's
-- own work under a tenant. SECURITY DEFINER because the policy of exams asks it.
CREATE FUNCTION records.ctx_reads(p_region bigint, p_exam bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog
    AS $$ SELECT coalesce(nullif(current_setting('yz.actor', true), ''), '0') = '0'
              OR EXISTS (SELECT 1 FROM records.exams e
                           JOIN records.accounts a ON a.region_id = e.region_id AND a.staff_id = e.reader_id
                          WHERE e.region_id = p_region AND e.id = p_exam
                            AND a.id = nullif(current_setting('yz.actor', true), '')::bigint) $$;
REVOKE ALL ON FUNCTION records.ctx_reads(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION records.ctx_reads(bigint, bigint) TO yz_signald, yz_dicomd;
GRANT EXECUTE ON FUNCTION records.ctx_tenant(), records.ctx_person(), records.ctx_has_seat(bigint, bigint),
    records.ctx_accompanies() TO yz_dicomd;

-- ---------------------------------------------------------------- row security

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['exams', 'studies', 'reports'] LOOP
        EXECUTE format('ALTER TABLE records.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE records.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON records.%I TO yz_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY sched_region ON records.%I TO yz_schedulerd '
                       'USING (region_id = (SELECT records.ctx_region())) '
                       'WITH CHECK (region_id = (SELECT records.ctx_region()))', t);
    END LOOP;
END $$;

-- Both daemons ask as the caller, so both see the same: the desk of the house that examines, the person, whoever sees the
-- visit, the reader by his claim, and for priors by his claim of another exam of the same person.
CREATE POLICY caller_sees ON records.exams FOR SELECT TO yz_signald, yz_dicomd
    USING (region_id = (SELECT records.ctx_region())
       AND ((tenant_id = (SELECT records.ctx_tenant()) AND ((SELECT records.ctx_actor()) = 0 OR (SELECT records.ctx_accompanies())))
         OR person_id = (SELECT records.ctx_person())
         OR EXISTS (SELECT 1 FROM records.visits v WHERE v.region_id = exams.region_id AND v.id = exams.visit_id)
         OR EXISTS (SELECT 1 FROM records.access a
                     WHERE a.region_id = exams.region_id AND a.tenant_id = (SELECT records.ctx_tenant()) AND a.until > now()
                       AND (a.subject_id = exams.id OR (a.subject_id = exams.person_id AND a.purpose = 'reading'))
                       AND records.ctx_reads(a.region_id, a.order_id))));

-- What belongs to nobody yet is the sender's alone. The person sees a study once it is known to be his.
CREATE POLICY caller_sees ON records.studies FOR SELECT TO yz_signald, yz_dicomd
    USING (region_id = (SELECT records.ctx_region())
       AND ((tenant_id = (SELECT records.ctx_tenant()) AND ((SELECT records.ctx_actor()) = 0 OR (SELECT records.ctx_accompanies())))
         OR (matched AND person_id = (SELECT records.ctx_person()))
         OR EXISTS (SELECT 1 FROM records.visits v WHERE v.region_id = studies.region_id AND v.id = studies.visit_id)
         OR EXISTS (SELECT 1 FROM records.access a
                     WHERE a.region_id = studies.region_id AND a.tenant_id = (SELECT records.ctx_tenant()) AND a.until > now()
                       AND (a.subject_id = studies.id OR (a.subject_id = studies.person_id AND a.purpose = 'reading'))
                       AND records.ctx_reads(a.region_id, a.order_id))));
CREATE POLICY dicom_makes ON records.studies FOR INSERT TO yz_dicomd
    WITH CHECK (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()));
CREATE POLICY dicom_keeps ON records.studies FOR UPDATE TO yz_dicomd
    USING (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()))
    WITH CHECK (region_id = (SELECT records.ctx_region()) AND tenant_id = (SELECT records.ctx_tenant()));

-- A report is seen by whoever sees the exam; an unsigned one is no row here.
CREATE POLICY caller_sees ON records.reports FOR SELECT TO yz_signald, yz_dicomd
    USING (EXISTS (SELECT 1 FROM records.exams e WHERE e.region_id = reports.region_id AND e.id = reports.exam_id));
-- Proof needs the text: the hash covers it.
CREATE POLICY verify_all ON records.reports FOR SELECT TO yz_audit_ro USING (true);

-- yz_dicomd under the caller's scope sees of people, visits and grants what yz_signald would.
ALTER POLICY signal_region ON records.organisations TO yz_signald, yz_dicomd;
ALTER POLICY signal_sees ON records.access TO yz_signald, yz_dicomd;
ALTER POLICY signal_sees ON records.visits TO yz_signald, yz_dicomd;
ALTER POLICY signal_sees ON records.staff TO yz_signald, yz_dicomd;
ALTER POLICY signal_sees ON records.persons TO yz_signald, yz_dicomd;
-- The worklist names whoever is to be examined, also when another house registered him.
CREATE POLICY dicom_examines ON records.persons FOR SELECT TO yz_dicomd
    USING (EXISTS (SELECT 1 FROM records.exams e WHERE e.region_id = persons.region_id AND e.person_id = persons.id));

-- Its own streams.
CREATE POLICY dicom_stream ON records.writers TO yz_dicomd
    USING (region_id = (SELECT records.ctx_region()) AND writer_id >= 'dicom' AND writer_id < 'dicon');
CREATE POLICY dicom_stream ON records.events TO yz_dicomd
    USING (region_id = (SELECT records.ctx_region()) AND writer_id >= 'dicom' AND writer_id < 'dicon');
CREATE POLICY dicom_writes ON records.audit FOR INSERT TO yz_dicomd
    WITH CHECK (region_id = (SELECT records.ctx_region()) AND writer_id >= 'dicom' AND writer_id < 'dicon');

-- ---------------------------------------------------------------- privileges

GRANT SELECT ON records.regions, records.organisations, records.access, records.visits, records.exams, records.studies,
    records.reports TO yz_dicomd;
GRANT SELECT (region_id, id, tenant_id, name, sex, birth_date) ON records.persons TO yz_dicomd;
GRANT SELECT (region_id, id, tenant_id, name, title) ON records.staff TO yz_dicomd;
GRANT INSERT, UPDATE (exam_id, visit_id, person_id, patient_name, patient_no, patient_sex, patient_birth, accession_no, modality,
    description, study_at, state, matched, mismatch, matched_at, matched_by, match_reason, return_reason, n_series, n_instances,
    bytes, last_at, complete_at, source, charset_note) ON records.studies TO yz_dicomd;
GRANT SELECT, INSERT, UPDATE (epoch, event_seq, audit_seq, audit_head) ON records.writers TO yz_dicomd;
GRANT SELECT, INSERT ON records.events TO yz_dicomd;
GRANT INSERT ON records.audit TO yz_dicomd;

GRANT SELECT ON records.exams, records.studies, records.reports TO yz_signald;
GRANT SELECT ON records.reports TO yz_audit_ro;

GRANT SELECT, INSERT, UPDATE (version, state, study_id, pooled_at, deadline_at, reader_id, reader_tenant_id, claimed_at, signed_at,
    delivered_at, report_version, reject_code, reject_reason, critical, cancelled_at, cancelled_by, cancel_reason)
    ON records.exams TO yz_schedulerd;
GRANT SELECT ON records.studies TO yz_schedulerd;
GRANT SELECT, INSERT ON records.reports TO yz_schedulerd;
