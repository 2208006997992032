/** The words of the wire under short names. Screens and models import from here, so that the generated files stay an
 * implementation matter of this folder. */
export type {
  AccessLogRow, Account, Action, Alert, AuditRow, BrowserConfig, Channel, Clinic, Consent, ConsentKind, ConsentText, Duty, Exam, ExamAct,
  ExamState, Modality, Note, Offer, Order, OrderState, Person, Prior, PriorDiagnosis, Recording, RecordingTrack, ReportTemplate, ReportVersion, Role,
  Roster, Seat, SeatRole, Sex, Slot, Study, Urgency, Verification, Visit, VisitKind, Waiting,
} from "./generated/api";
export type { PoolChange, Rights, ServerEvent } from "./generated/socket";
