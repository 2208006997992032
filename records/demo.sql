-- Invented people in an invented region, for trying the product. May be run again at any time.
-- Nobody can log in after this alone: '!' never verifies; `yunzhen user` gives the passwords.

INSERT INTO records.regions (region_id, name) VALUES (150000, '演示区域 Demo Region') ON CONFLICT DO NOTHING;

INSERT INTO records.organisations (region_id, id, tenant_id, parent_id, name, kind, care_level, division) VALUES
    (150000,  1,  1, NULL, '演示区域平台 Demo Region Platform',           'region_platform', NULL, '150000'),
    (150000, 11, 11,    1, '演示甲旗 Demo County A',                      'county_tenant',   NULL, '150901'),
    (150000, 12, 12,    1, '演示乙旗 Demo County B',                      'county_tenant',   NULL, '150902'),
    (150000, 21, 21,   11, '演示东乡卫生院 Demo East Township Centre',     'township',        'L1', '150901101'),
    (150000, 22, 22,   11, '演示西乡卫生院 Demo West Township Centre',     'township',        'L1', '150901102'),
    (150000, 23, 23,   12, '演示北乡卫生院 Demo North Township Centre',    'township',        'L1', '150902101'),
    (150000, 31, 31,   11, '演示甲旗医院 Demo County A Hospital',          'hospital',        'L2', '150901'),
    (150000, 32, 32,    1, '演示市医院 Demo City Hospital',                'hospital',        'L3', '150900'),
    (150000, 33, 33,    1, '演示区医院 Demo Regional Hospital',            'hospital',        'L4', '150000'),
    (150000, 34, 34,   12, '演示乙旗医院 Demo County B Hospital',          'hospital',        'L2', '150902')
ON CONFLICT DO NOTHING;

INSERT INTO records.persons (region_id, id, tenant_id, name, sex, birth_date) VALUES
    (150000, 101, 11, '演示患者甲 Demo Patient One',     'female', '1968-03-14'),
    (150000, 102, 21, '演示患者乙 Demo Patient Two',     'male',   '1955-09-02'),
    (150000, 103, 21, '演示患者丙 Demo Patient Three',   'female', '1941-06-21'),
    (150000, 104, 21, '演示居民丁 Demo Resident Four',   'male',   '1990-01-30'),
    (150000, 105, 21, '演示居民戊 Demo Resident Five',   'female', '2018-11-11'),
    (150000, 106, 22, '演示居民己 Demo Resident Six',    'male',   '1977-07-07'),
    (150000, 107, 22, '演示居民庚 Demo Resident Seven',  'female', '1983-12-25'),
    (150000, 108, 23, '演示居民辛 Demo Resident Eight',  'male',   '1962-05-05'),
    (150000, 109, 23, '演示居民壬 Demo Resident Nine',   'female', '1999-10-10'),
    (150000, 110, 12, '演示居民癸 Demo Resident Ten',    'male',   '2006-02-28'),
    (150000, 111, 11, '演示居民子 Demo Resident Eleven', 'female', '1949-08-18'),
    (150000, 112, 12, '演示居民丑 Demo Resident Twelve', 'unknown','1972-04-01')
ON CONFLICT DO NOTHING;

-- doctor1 and doctor2 serve the same pool (L2, general); doctor3 sits one level above. reader1 and reader2, of two hospitals, read
-- the same pictures and ECGs.
INSERT INTO records.staff (region_id, id, tenant_id, name, title, licence_no, licence_from, licence_until, specialties) VALUES
    (150000, 201, 31, '演示医生甲 Demo Doctor One',     '主治医师',   'DEMO-201', '2015-01-01', '2099-12-31', '{general,cardiology,respiratory}'),
    (150000, 202, 31, '演示医生乙 Demo Doctor Two',     '副主任医师', 'DEMO-202', '2010-01-01', '2099-12-31', '{general,cardiology,respiratory}'),
    (150000, 203, 32, '演示医生丙 Demo Doctor Three',   '主任医师',   'DEMO-203', '2005-01-01', '2099-12-31', '{general,cardiology}'),
    (150000, 204, 21, '演示乡医 Demo Township Doctor',  '医师',       'DEMO-204', '2018-01-01', '2099-12-31', '{general}'),
    (150000, 205, 21, '演示操作员 Demo Operator',       '护士',       NULL, NULL, NULL, '{}'),
    (150000, 206, 32, '演示阅片医生 Demo Reader',       '主治医师',   'DEMO-206', '2012-01-01', '2099-12-31', '{radiology,ecg}'),
    (150000, 207, 31, '演示门诊办公室 Demo Office',     '门诊办公室', NULL, NULL, NULL, '{}'),
    (150000, 208,  1, '演示协调员 Demo Coordinator',    '协调员',     NULL, NULL, NULL, '{}'),
    (150000, 209, 31, '演示财务 Demo Finance',          '财务',       NULL, NULL, NULL, '{}'),
    (150000, 210,  1, '演示监管员 Demo Supervisor',     '监管员',     NULL, NULL, NULL, '{}'),
    (150000, 211, 31, '演示审计员 Demo Auditor',        '审计员',     NULL, NULL, NULL, '{}'),
    (150000, 212,  1, '演示管理员 Demo Admin',          '管理员',     NULL, NULL, NULL, '{}'),
    (150000, 213, 31, '演示阅片医生乙 Demo Reader Two', '副主任医师', 'DEMO-213', '2011-01-01', '2099-12-31', '{radiology,ecg}')
ON CONFLICT DO NOTHING;

INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, person_id, staff_id) VALUES
    (150000, 301, 11, 'patient1',         '!', '演示患者甲 Demo Patient One',    101, NULL),
    (150000, 302, 21, 'patient2',         '!', '演示患者乙 Demo Patient Two',    102, NULL),
    (150000, 303, 21, 'patient3',         '!', '演示患者丙 Demo Patient Three',  103, NULL),
    (150000, 304, 21, 'patient4',         '!', '演示居民丁 Demo Resident Four',  104, NULL),
    (150000, 305, 22, 'patient5',         '!', '演示居民己 Demo Resident Six',   106, NULL),
    (150000, 311, 31, 'doctor1',          '!', '演示医生甲 Demo Doctor One',     NULL, 201),
    (150000, 312, 31, 'doctor2',          '!', '演示医生乙 Demo Doctor Two',     NULL, 202),
    (150000, 313, 32, 'doctor3',          '!', '演示医生丙 Demo Doctor Three',   NULL, 203),
    (150000, 314, 21, 'township_doctor1', '!', '演示乡医 Demo Township Doctor',  NULL, 204),
    (150000, 315, 21, 'operator1',        '!', '演示操作员 Demo Operator',       NULL, 205),
    (150000, 316, 32, 'reader1',          '!', '演示阅片医生 Demo Reader',       NULL, 206),
    (150000, 317, 31, 'office1',          '!', '演示门诊办公室 Demo Office',     NULL, 207),
    (150000, 318,  1, 'coordinator1',     '!', '演示协调员 Demo Coordinator',    NULL, 208),
    (150000, 319, 31, 'finance1',         '!', '演示财务 Demo Finance',          NULL, 209),
    (150000, 320,  1, 'supervisor1',      '!', '演示监管员 Demo Supervisor',     NULL, 210),
    (150000, 321, 31, 'auditor1',         '!', '演示审计员 Demo Auditor',        NULL, 211),
    (150000, 322,  1, 'admin1',           '!', '演示管理员 Demo Admin',          NULL, 212),
    (150000, 323, 31, 'reader2',          '!', '演示阅片医生乙 Demo Reader Two', NULL, 213)
ON CONFLICT DO NOTHING;

INSERT INTO records.account_roles (region_id, account_id, tenant_id, role)
SELECT region_id, id, tenant_id, rtrim(login, '0123456789') FROM records.accounts
 WHERE region_id = 150000 AND id BETWEEN 301 AND 323
ON CONFLICT DO NOTHING;

INSERT INTO records.consent_texts (region_id, kind, version, locale, tenant_id, title, text, text_hash, required_for, effective_from)
SELECT 150000, t.kind, 1, t.locale, 1, t.title, t.text, encode(sha256(convert_to(t.text, 'UTF8')), 'hex'), t.required_for::text[],
       '2026-01-01T00:00:00Z'
  FROM (VALUES
    ('service', 'zh-CN', '远程诊疗服务知情同意',
     '我了解这是通过视频进行的诊疗。视频不能代替面诊的全部检查；如医生认为不适合，会请我到实体医院就诊。我可以随时退出。',
     '{home_direct,assisted}'),
    ('service', 'en', 'Consent to a remote visit',
     'I understand that this visit takes place by video. Video cannot replace every examination; if the doctor finds it unsuitable I will be asked to come to a hospital. I may leave at any time.',
     '{home_direct,assisted}'),
    ('sensitive_data', 'zh-CN', '敏感个人信息处理单独同意',
     '为完成本次诊疗，我同意接诊医院处理我的健康信息。仅限参与本次诊疗的人员查看，每次查看都会留下记录，我可以查询。',
     '{home_direct,assisted}'),
    ('sensitive_data', 'en', 'Separate consent to processing of health data',
     'For this visit I agree that the treating hospital processes my health information. Only people taking part in the visit see it; every look leaves a record that I can read.',
     '{home_direct,assisted}'),
    ('recording', 'zh-CN', '音视频录制同意',
     '我同意对本次诊疗录音录像，作为诊疗过程的记录保存不少于三年。若不同意，可改为到院就诊。',
     '{home_direct}'),
    ('recording', 'en', 'Consent to recording',
     'I agree that this visit is recorded in sound and picture and kept for at least three years as evidence of the process. If I do not agree, I am offered a visit in person instead.',
     '{home_direct}'),
    ('record_sharing', 'zh-CN', '病历共享同意',
     '我同意邀请方卫生院与接诊医院共享本次诊疗的病历，以便双方继续为我服务。',
     '{assisted}'),
    ('record_sharing', 'en', 'Consent to sharing the record',
     'I agree that the inviting centre and the treating hospital share the record of this visit, so that both can go on caring for me.',
     '{assisted}')
  ) AS t (kind, locale, title, text, required_for)
ON CONFLICT DO NOTHING;
