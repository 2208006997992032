-- 0008_reading_names: a claim of a reader let his whole hospital see the person's row (search by name); now it is his alone, as the
-- pictures are.
ALTER POLICY signal_sees ON records.persons
    USING (region_id = (SELECT records.ctx_region())
       AND (tenant_id = (SELECT records.ctx_tenant())
         OR id = (SELECT records.ctx_person())
         OR EXISTS (SELECT 1 FROM records.access a
                     WHERE a.region_id = persons.region_id AND a.subject_id = persons.id
                       AND a.tenant_id = (SELECT records.ctx_tenant()) AND a.until > now()
                       AND (a.purpose <> 'reading' OR records.ctx_reads(a.region_id, a.order_id)))));
