import type { Exam } from "@/wire/types";

/** An invented exam for the tests of models; no screen imports it. */
export const examOf = (more: Partial<Exam> = {}): Exam => ({
  id: "1", accession_no: "0000000000001", visit_id: "7", person: null, age_band: "60-69", sex: "male", kind: "image", modality: "CT",
  procedure: "", question: "", urgency: "normal", state: "ordered", version: 1, ordered_at: "2026-11-21T05:00:00Z", ordered_by_name: "",
  tenant_id: "21", tenant_name: "", pooled_at: null, deadline_at: null, overdue: false, reader_name: null, reader_tenant_name: null, claimed_at: null,
  signed_at: null, delivered_at: null, report_version: null, study: null, critical: false, reject_code: null, reject_reason: null,
  cancel_reason: null, retake_of: null, retaken_by: null, draft: null, acts: [], ...more,
});
