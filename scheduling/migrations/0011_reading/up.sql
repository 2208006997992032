-- 0011_reading: how exams are read: policies, working copies, templates, critical values. The exams themselves are records.exams.

-- Claims of exams stand in the one log of claims.
ALTER TABLE scheduling.claim_log ALTER COLUMN order_id DROP NOT NULL;
ALTER TABLE scheduling.claim_log ADD COLUMN exam_id bigint;
ALTER TABLE scheduling.claim_log ADD CONSTRAINT claim_of_one_thing CHECK ((order_id IS NULL) <> (exam_id IS NULL));
CREATE INDEX claim_log_exam ON scheduling.claim_log (region_id, exam_id, id) WHERE exam_id IS NOT NULL;
CREATE UNIQUE INDEX claim_one_reader_per_version ON scheduling.claim_log (region_id, exam_id, version)
    WHERE result = 'won' AND exam_id IS NOT NULL;

-- Who reads what, and by when. One row per modality and urgency.
CREATE TABLE scheduling.read_policies (
    region_id       bigint  NOT NULL,
    modality        text    NOT NULL,
    urgency         text    NOT NULL,
    tenant_id       bigint  NOT NULL,                  -- the platform that set it
    specialty       text    NOT NULL,                  -- a reader's licence must name it
    turnaround_min  integer NOT NULL,                  -- from pooled to signed
    draft_idle_min  integer NOT NULL,                  -- nothing saved for so long: back to the pool
    hand_max        integer NOT NULL,                  -- reads in hand per reader
    CONSTRAINT read_policies_pk PRIMARY KEY (region_id, modality, urgency),
    CONSTRAINT read_policy_modality CHECK (modality IN ('CT', 'DX', 'US', 'ECG')),
    CONSTRAINT read_policy_urgency CHECK (urgency IN ('normal', 'urgent', 'emergency')),
    CONSTRAINT read_policy_limits CHECK (turnaround_min > 0 AND draft_idle_min > 0 AND hand_max > 0),
    CONSTRAINT read_policies_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX read_policies_tenant ON scheduling.read_policies (region_id, tenant_id);

CREATE TABLE scheduling.report_templates (
    region_id   bigint  NOT NULL,
    id          bigint  NOT NULL,
    tenant_id   bigint  NOT NULL,
    modality    text    NOT NULL,
    place       integer NOT NULL,                      -- in the list
    title       text    NOT NULL,
    findings    text    NOT NULL,
    impression  text    NOT NULL,
    CONSTRAINT report_templates_pk PRIMARY KEY (region_id, id),
    CONSTRAINT report_template_modality CHECK (modality IN ('CT', 'DX', 'US', 'ECG')),
    CONSTRAINT report_templates_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX report_templates_tenant ON scheduling.report_templates (region_id, tenant_id);
CREATE INDEX report_templates_modality ON scheduling.report_templates (region_id, modality, place);

-- A reader's working copy: saved while he types, kept when the exam goes back to the pool, for the same reader to find again.
-- What is signed is copied into records.reports and never changes.
CREATE TABLE scheduling.read_drafts (
    region_id       bigint      NOT NULL,
    exam_id         bigint      NOT NULL,
    staff_id        bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,              -- the reader's
    draft_version   integer     NOT NULL,
    findings        text        NOT NULL,
    impression      text        NOT NULL,
    template        text        NOT NULL DEFAULT '',
    saved_at        timestamptz NOT NULL,
    CONSTRAINT read_drafts_pk PRIMARY KEY (region_id, exam_id, staff_id),
    CONSTRAINT read_draft_version_counts CHECK (draft_version > 0),
    CONSTRAINT read_drafts_exam_fk FOREIGN KEY (region_id, exam_id) REFERENCES records.exams (region_id, id)
);
CREATE INDEX read_drafts_tenant ON scheduling.read_drafts (region_id, tenant_id);

-- Whom a critical value reaches, step by step. A step without anybody is passed over.
CREATE TABLE scheduling.page_steps (
    region_id   bigint  NOT NULL,
    step        integer NOT NULL,
    tenant_id   bigint  NOT NULL,
    whom        text    NOT NULL,
    minutes     integer NOT NULL,                      -- unacknowledged so long: the next step; the last one stays
    repeat_s    integer NOT NULL,                      -- paged again
    CONSTRAINT page_steps_pk PRIMARY KEY (region_id, step),
    CONSTRAINT page_step_counts CHECK (step > 0 AND minutes > 0 AND repeat_s > 0),
    CONSTRAINT page_step_whom CHECK (whom IN ('ordering_doctor', 'visit_doctor', 'township_operators', 'coordinators')),
    CONSTRAINT page_steps_tenant_fk FOREIGN KEY (region_id, tenant_id) REFERENCES records.organisations (region_id, id)
);
CREATE INDEX page_steps_tenant ON scheduling.page_steps (region_id, tenant_id);

CREATE TABLE scheduling.alerts (
    region_id       bigint      NOT NULL,
    id              bigint      NOT NULL,
    tenant_id       bigint      NOT NULL,              -- of the exam
    exam_id         bigint      NOT NULL,
    visit_id        bigint      NOT NULL,
    person_id       bigint      NOT NULL,
    finding         text        NOT NULL,
    raised_by       bigint      NOT NULL,              -- staff
    raised_at       timestamptz NOT NULL,
    step            integer     NOT NULL,
    step_at         timestamptz NOT NULL,              -- when the step began
    to_accounts     bigint[]    NOT NULL,              -- paged now
    pages           integer     NOT NULL,              -- rounds so far
    next_at         timestamptz,                       -- next page; none once acknowledged
    acknowledged_at timestamptz,
    acknowledged_by bigint,                            -- account
    note            text        NOT NULL DEFAULT '',   -- what was read back
    CONSTRAINT alerts_pk PRIMARY KEY (region_id, id),
    CONSTRAINT alert_says_what CHECK (finding <> ''),
    CONSTRAINT alert_acknowledged_whole CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)
        AND (acknowledged_at IS NULL) = (note = '') AND (acknowledged_at IS NULL) = (next_at IS NOT NULL)),
    CONSTRAINT alert_counts CHECK (step > 0 AND pages > 0),
    CONSTRAINT alerts_exam_fk FOREIGN KEY (region_id, exam_id) REFERENCES records.exams (region_id, id)
);
CREATE INDEX alerts_tenant ON scheduling.alerts (region_id, tenant_id, raised_at);
CREATE INDEX alerts_open ON scheduling.alerts (region_id, next_at) WHERE acknowledged_at IS NULL;
CREATE INDEX alerts_exam ON scheduling.alerts (region_id, exam_id);

-- Every page, for ever.
CREATE TABLE scheduling.alert_pages (
    region_id   bigint      NOT NULL,
    alert_id    bigint      NOT NULL,
    round       integer     NOT NULL,
    account_id  bigint      NOT NULL,
    tenant_id   bigint      NOT NULL,                  -- of the exam
    step        integer     NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT alert_pages_pk PRIMARY KEY (region_id, alert_id, round, account_id),
    CONSTRAINT alert_pages_alert_fk FOREIGN KEY (region_id, alert_id) REFERENCES scheduling.alerts (region_id, id)
);
CREATE INDEX alert_pages_tenant ON scheduling.alert_pages (region_id, tenant_id);
CREATE INDEX alert_pages_account ON scheduling.alert_pages (region_id, account_id, alert_id);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['read_policies', 'report_templates', 'read_drafts', 'page_steps', 'alerts', 'alert_pages'] LOOP
        EXECUTE format('ALTER TABLE scheduling.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE scheduling.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY owner_all ON scheduling.%I TO yz_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY sched_region ON scheduling.%I TO yz_schedulerd '
                       'USING (region_id = (SELECT records.ctx_region())) '
                       'WITH CHECK (region_id = (SELECT records.ctx_region()))', t);
    END LOOP;
END $$;

GRANT SELECT ON scheduling.read_policies, scheduling.report_templates, scheduling.page_steps TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (draft_version, findings, impression, template, saved_at) ON scheduling.read_drafts TO yz_schedulerd;
GRANT SELECT, INSERT, UPDATE (step, step_at, to_accounts, pages, next_at, acknowledged_at, acknowledged_by, note)
    ON scheduling.alerts TO yz_schedulerd;
GRANT SELECT, INSERT ON scheduling.alert_pages TO yz_schedulerd;
