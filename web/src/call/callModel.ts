import type { Kind } from "@/media/devices";
import type { Told } from "@/wire/socket";
import type { OrderState, Rights, Seat, SeatRole, Visit } from "@/wire/types";

/** What the room is to this person now.
 *
 *   joining  asking for the seat          lobby    seated, the visit is not live: the patient waits outside
 *   live     the visit is on              over     the visit has ended
 *   moved    another window has the seat  refused  there is no seat here for this person */
export type Phase = "joining" | "lobby" | "live" | "over" | "moved" | "refused";

export interface CallModel {
  visit: Visit | null;
  mySeat: string | null;
  rights: Rights;
  chairs: Record<string, { kind: Kind; seat: string }>;
  speaker: string | null;
  recording: "off" | "on" | "interrupted";
  moved: boolean;
  refused: boolean;
  /** Our seat was told to be silent by this seat; cleared when we speak again. */
  silencedBy: string | null;
}

export const EMPTY: CallModel = {
  visit: null, mySeat: null, rights: { publish: false, subscribe: false }, chairs: {}, speaker: null,
  recording: "off", moved: false, refused: false, silencedBy: null,
};

const ENDED: readonly OrderState[] = ["documenting", "signed", "closed", "cancelled", "expired", "no_show", "refunded"];

export function phaseOf(model: CallModel): Phase {
  if (model.moved) return "moved";
  if (model.refused) return "refused";
  if (!model.visit) return "joining";
  if (ENDED.includes(model.visit.state)) return "over";
  return model.visit.state === "live" && connects(model) ? "live" : "lobby";
}

/** Whether sound and picture flow: in the lobby only for staff, who prepare while the patient waits. */
export const connects = (model: CallModel): boolean => !model.moved && (model.rights.publish || model.rights.subscribe);

const withSeat = (visit: Visit, id: string, change: (seat: Seat) => Seat): Visit =>
  ({ ...visit, seats: visit.seats.map((seat) => (seat.id === id ? change(seat) : seat)) });

/** The room after one more message. Messages of other visits change nothing. */
export function heard(model: CallModel, visitId: string, message: Told): CallModel {
  switch (message.t) {
    case "joined":
      if (message.visit.id !== visitId) return model;
      return {
        ...model, visit: message.visit, mySeat: message.seat_id, rights: message.rights, moved: false, refused: false,
        recording: message.visit.recording ? "on" : model.recording,
      };
    case "visit":
      if (message.visit.id !== visitId) return model;
      return { ...model, visit: message.visit, recording: message.visit.recording ? "on" : model.recording };
    default:
      break;
  }
  if (!("visit_id" in message) || message.visit_id !== visitId) return model;
  switch (message.t) {
    case "rights":
      return { ...model, rights: { publish: message.publish, subscribe: message.subscribe } };
    case "chair": {
      const chairs = { ...model.chairs };
      if (message.seat_id === null) delete chairs[message.mid];
      else chairs[message.mid] = { kind: message.kind, seat: message.seat_id };
      return { ...model, chairs };
    }
    case "speaker":
      return { ...model, speaker: message.seat_id };
    case "muted": {
      if (!model.visit) return model;
      const visit = withSeat(model.visit, message.seat_id, (seat) => ({ ...seat, muted: { ...seat.muted, [message.kind]: message.on } }));
      const silenced = message.seat_id === model.mySeat && message.on && message.by !== null && message.by !== model.mySeat;
      return { ...model, visit, silencedBy: silenced ? message.by : model.silencedBy };
    }
    case "recording":
      return { ...model, recording: message.state === "started" ? "on" : message.state === "stopped" ? "off" : "interrupted" };
    case "moved":
      return { ...model, moved: true, rights: { publish: false, subscribe: false }, chairs: {} };
    default:
      return model;
  }
}

/** A new peer connection: its chairs are empty until the room says otherwise. */
export const chairsCleared = (model: CallModel): CallModel => ({ ...model, chairs: {} });

export interface Tile {
  seat: string;
  role: SeatRole;
  name: string;
  me: boolean;
  present: boolean;
  /** Waits outside until the doctor opens the door. */
  outside: boolean;
  speaking: boolean;
  muted: { audio: boolean; video: boolean };
  /** mids of the chairs that carry this seat; null while nothing arrives. */
  audio: string | null;
  video: string | null;
}

/** Whom each role came to see, first first. */
const FIRST: Partial<Record<SeatRole, readonly SeatRole[]>> = {
  patient: ["doctor", "township_doctor"],
  doctor: ["patient", "township_doctor"],
  township_doctor: ["doctor", "patient"],
};

/** Every seat as a tile: the one this person came to see first, oneself last. */
export function tilesOf(model: CallModel): Tile[] {
  const { visit } = model;
  if (!visit) return [];
  const mine = visit.seats.find((seat) => seat.me)?.role;
  const order = (mine && FIRST[mine]) ?? [];
  const rank = (seat: Seat): number => {
    if (seat.me) return 100;
    const at = order.indexOf(seat.role);
    return (at < 0 ? 50 : at) + (seat.present && seat.admitted ? 0 : 20);
  };
  const mid = (seat: Seat, kind: Kind) =>
    Object.keys(model.chairs).find((one) => model.chairs[one]?.seat === seat.id && model.chairs[one]?.kind === kind) ?? null;
  return [...visit.seats].sort((a, b) => rank(a) - rank(b)).map((seat) => ({
    seat: seat.id, role: seat.role, name: seat.name, me: seat.me, present: seat.present,
    outside: !seat.me && !seat.admitted && visit.state === "waiting",
    speaking: model.speaker === seat.id, muted: { audio: seat.muted.audio, video: seat.muted.video },
    audio: mid(seat, "audio"), video: mid(seat, "video"),
  }));
}

/** Roles the visit waits for: who is not in the room yet. */
export const absentRoles = (visit: Visit): SeatRole[] => visit.seats.filter((seat) => !seat.present).map((seat) => seat.role);
