-- Any machine on this computer is a modality of the first township, so that storescu and findscu work as they are.
INSERT INTO dicom.ae_titles (region_id, ae, peers, tenant_id, note) VALUES
    (150000, '*', '127.0.0.0/8', 21, 'demo: unlisted titles on this machine'),
    (150000, '*', '::1/128',     21, 'demo: unlisted titles on this machine'),
    (150000, 'WESTCT', '127.0.0.0/8', 22, 'demo: CT of the west township')
ON CONFLICT DO NOTHING;
