import { expect, test } from "vitest";
import { examOf } from "@/exam/sample";
import type { Study } from "@/wire/types";
import { candidatesOf, differs, whyOf } from "./matchModel";

const study = (more: Partial<Study> = {}): Study => ({
  id: "9", study_uid: "1.2", patient_name: "演示患者乙", patient_no: "102", accession_no: "A1", modality: "CT", description: "", study_at: null,
  state: "complete", matched: false, exam_id: null, visit_id: null, n_series: 1, n_instances: 3, bytes: 10,
  first_at: "", last_at: "", complete_at: null, source: "CT1", ...more,
});
const person = { id: "102", name: "演示患者乙 Demo Patient Two", sex: "male" as const, age: 71 };
const open = (id: string, more = {}) => examOf({ id, accession_no: `A${id}`, person, ...more });

test("everything that speaks for an order is told", () => {
  expect(whyOf(study(), open("1"))).toEqual(["accession", "person", "name", "modality"]);
  expect(whyOf(study({ patient_no: "105", patient_name: "DEMO^X" }), open("1"))).toEqual(["accession", "modality"]);
});
test("a name written the DICOM way is the same name", () =>
  expect(whyOf(study({ patient_name: "Demo^Patient^Two=演示患者乙" }), open("2", { person: { ...person, name: "Demo Patient Two 演示患者乙" } }))).toContain("name"));
test("nothing sent speaks for nobody", () =>
  expect(whyOf(study({ patient_name: "", patient_no: "", accession_no: "", modality: "US" }), open("1", { accession_no: "" }))).toEqual([]));
test("orders with images or past their time are no candidates; the likeliest is first", () => {
  const list = [open("7", { modality: "US" }), open("1"), open("3", { state: "pooled" }), open("5", { person: null })];
  expect(candidatesOf(study(), list).map((one) => one.exam.id)).toEqual(["1", "7", "5"]);
});
test("a wrong patient stands out", () => expect(differs(study({ patient_no: "105" }), open("1"))).toEqual(["id"]));
