/** The words of the wire under short names. Screens and models import from here, so that the generated files stay an
 * implementation matter of this folder. */
export type {
  AccessLogRow, Account, Action, AuditRow, BrowserConfig, Channel, Clinic, Consent, ConsentKind, ConsentText, Duty, Note, Offer,
  Order, OrderState, Person, PriorDiagnosis, Recording, RecordingTrack, Role, Roster, Seat, SeatRole, Sex, Slot, Urgency,
  Visit, VisitKind, Waiting,
} from "./generated/api";
export type { PoolChange, Rights, ServerEvent } from "./generated/socket";
