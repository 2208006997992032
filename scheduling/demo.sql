-- Clinics, the offer policy, how exams are read, and a draft session for today; run after records/demo.sql, again at any time.

INSERT INTO scheduling.clinics (region_id, id, tenant_id, name, department, specialty) VALUES
    (150000, 41, 31, '演示全科云诊室 Demo General Cloud Clinic',     '全科', 'general'),
    (150000, 42, 32, '演示心内科云诊室 Demo Cardiology Cloud Clinic', '心内科', 'cardiology')
ON CONFLICT DO NOTHING;

-- One circle that shows every order to all eligible doctors on duty at once.
INSERT INTO scheduling.offer_policies (region_id, queue, tenant_id, shape, circles, circle_s, hand_max, serve_s, serve_urgent_s)
VALUES (150000, '*', 1, 'levels', '{0}', '{0}', 5, 180, 60)
ON CONFLICT DO NOTHING;

-- Who reads what by when: minutes from the pool to the signature, and how long a draft may lie idle.
INSERT INTO scheduling.read_policies (region_id, modality, urgency, tenant_id, specialty, turnaround_min, draft_idle_min, hand_max)
VALUES (150000, 'CT',  'emergency', 1, 'radiology',  60, 30, 5), (150000, 'CT',  'urgent', 1, 'radiology', 120, 60, 5),
       (150000, 'CT',  'normal',    1, 'radiology', 240, 60, 5), (150000, 'DX',  'emergency', 1, 'radiology', 30, 20, 5),
       (150000, 'DX',  'urgent',    1, 'radiology',  60, 30, 5), (150000, 'DX',  'normal', 1, 'radiology', 120, 60, 5),
       (150000, 'US',  'emergency', 1, 'radiology',  30, 20, 5), (150000, 'US',  'urgent', 1, 'radiology',  60, 30, 5),
       (150000, 'US',  'normal',    1, 'radiology', 120, 60, 5), (150000, 'ECG', 'emergency', 1, 'ecg',       10, 10, 5),
       (150000, 'ECG', 'urgent',    1, 'ecg',        20, 15, 5), (150000, 'ECG', 'normal', 1, 'ecg',          30, 30, 5)
ON CONFLICT DO NOTHING;

-- Whom a critical value reaches: each step ten minutes, paged every minute.
INSERT INTO scheduling.page_steps (region_id, step, tenant_id, whom, minutes, repeat_s)
VALUES (150000, 1, 1, 'ordering_doctor', 10, 60), (150000, 2, 1, 'visit_doctor', 10, 60),
       (150000, 3, 1, 'township_operators', 10, 60), (150000, 4, 1, 'coordinators', 10, 60)
ON CONFLICT DO NOTHING;

INSERT INTO scheduling.report_templates (region_id, id, tenant_id, modality, place, title, findings, impression) VALUES
    (150000, 61, 1, 'CT', 1, '胸部CT平扫 正常',
     E'胸廓对称，纵隔居中。双肺纹理清晰，走行自然，双肺野内未见明确异常密度影。\n气管及各级支气管通畅。双肺门及纵隔内未见肿大淋巴结。\n心影大小、形态未见异常。双侧胸腔未见积液，胸膜未见增厚。\n所见骨质未见明确异常。',
     '胸部CT平扫未见明确异常。'),
    (150000, 62, 1, 'CT', 2, '胸部CT平扫 肺部感染',
     E'胸廓对称，纵隔居中。___肺___叶见斑片状、___密度影，边界模糊，内见___。\n余肺野未见明确异常密度影。气管及主支气管通畅。\n纵隔内未见明显肿大淋巴结。心影不大。___侧胸腔___积液。',
     E'___肺___叶炎性改变可能，请结合临床及实验室检查，建议治疗后复查。'),
    (150000, 63, 1, 'CT', 3, '头颅CT平扫 正常',
     E'颅骨骨质未见异常。脑实质内未见明确异常密度影，灰白质分界清楚。\n脑室系统大小、形态正常，脑沟、脑裂、脑池未见增宽或变窄。\n中线结构居中。所见鼻窦及乳突气房清晰。',
     '头颅CT平扫未见明确异常。'),
    (150000, 64, 1, 'CT', 4, '头颅CT平扫 脑出血',
     E'___侧___区见团片状高密度影，大小约___mm×___mm×___mm，CT值约___HU，周围见低密度水肿带。\n___脑室受压___，中线结构向___移位约___mm。\n蛛网膜下腔___。颅骨骨质未见异常。',
     E'___侧___区脑出血，量约___ml，占位效应___。\n危急值，已电话通知临床。'),
    (150000, 65, 1, 'DX', 1, '胸部正位片 正常',
     E'胸廓对称，气管居中。双肺纹理清晰，未见明确实变影。\n双肺门影不大。心影大小、形态正常。双膈面光整，双侧肋膈角锐利。',
     '心肺膈未见明确异常。'),
    (150000, 66, 1, 'DX', 2, '四肢关节片 正常',
     E'___侧___诸骨骨质结构完整，未见明确骨折线及骨质破坏。\n关节间隙正常，关节面光整。周围软组织未见肿胀。',
     '___侧___未见明确骨折征象。如症状持续，建议复查。'),
    (150000, 67, 1, 'US', 1, '腹部超声 正常',
     E'肝脏大小形态正常，包膜光整，实质回声均匀，肝内管系走行清晰。胆囊壁光滑，腔内未见异常回声。\n胰腺、脾脏未见异常。双肾大小形态正常，集合系统未见分离。',
     '肝、胆、胰、脾、双肾超声未见明确异常。'),
    (150000, 68, 1, 'ECG', 1, '心电图 正常',
     E'窦性心律，心率___次/分。P-R间期___ms，QRS时限___ms，QT/QTc___/___ms，电轴___°。\n各导联ST段未见明显偏移，T波未见异常。',
     E'窦性心律，正常心电图。'),
    (150000, 69, 1, 'ECG', 2, '心电图 急性ST段抬高型心肌梗死',
     E'窦性心律，心率___次/分。___导联ST段弓背向上抬高___mV，___导联ST段压低___mV。\n___导联见病理性Q波。P-R间期___ms，QRS时限___ms。',
     E'急性___壁心肌梗死可能。\n危急值，已通知接诊医生，请立即处理并启动转诊。'),
    (150000, 70, 1, 'ECG', 3, '心电图 心房颤动',
     E'P波消失，代之以大小、形态、间距不等的f波，R-R间期绝对不齐，平均心室率___次/分。\nQRS时限___ms。ST-T___。',
     '心房颤动，心室率___次/分。')
ON CONFLICT DO NOTHING;

-- Today's sessions lie ready as drafts from this hour on; the office publishes them. One set per day of loading.
INSERT INTO scheduling.roster_sessions (region_id, id, tenant_id, clinic_id, staff_id, day, starts_at, ends_at, slot_minutes,
                                        capacity_per_slot, kinds, created_by, created_at)
SELECT 150000, s.base + (t.start_at AT TIME ZONE 'Asia/Shanghai')::date - DATE '2024-01-01', s.tenant_id, s.clinic_id, s.staff_id,
       (t.start_at AT TIME ZONE 'Asia/Shanghai')::date, t.start_at, t.start_at + interval '10 hours', 10, 2,
       '{follow_up,first_visit}', s.account_id, now()
  FROM (SELECT date_trunc('hour', now()) AS start_at) t,
       (VALUES (410000, 31, 41, 201, 317), (420000, 32, 42, 203, 322)) AS s (base, tenant_id, clinic_id, staff_id, account_id)
ON CONFLICT DO NOTHING;

INSERT INTO scheduling.slots (region_id, id, tenant_id, session_id, clinic_id, staff_id, starts_at, ends_at, day, cap)
SELECT r.region_id, r.id * 1000 + n, r.tenant_id, r.id, r.clinic_id, r.staff_id,
       r.starts_at + n * make_interval(mins => r.slot_minutes), r.starts_at + (n + 1) * make_interval(mins => r.slot_minutes),
       ((r.starts_at + n * make_interval(mins => r.slot_minutes)) AT TIME ZONE 'Asia/Shanghai')::date, r.capacity_per_slot
  FROM scheduling.roster_sessions r,
       generate_series(0, (extract(epoch FROM r.ends_at - r.starts_at) / 60 / r.slot_minutes)::int - 1) n
 WHERE r.region_id = 150000 AND r.state = 'draft' AND r.id BETWEEN 410000 AND 429999
ON CONFLICT DO NOTHING;
