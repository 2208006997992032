import { onScopeDispose, reactive, ref, shallowRef, type Ref } from "vue";
import { live } from "@/wire/session";
import type { Told } from "@/wire/socket";
import type { Seat } from "@/wire/types";
import { CLOSED, Coview, type SharedView } from "./coview";

/** Somebody else's finger: columns and rows of an image, or seconds and rows of an ECG sheet. */
export interface RemotePointer { seat: string; name: string; x: number; y: number; instance: string; at: number }

const POINTER_EVERY_MS = 60;
/** A pointer that rests longer than this is nobody pointing. */
const POINTER_FADES_MS = 6_000;

/** One visit's shared view, for every screen part that shows it: the room's page and the viewer inside share one. */
export interface SharedCoview {
  /** What is looked at together; null while nothing is, or in free mode. */
  view: Ref<SharedView | null>;
  /** What the others have open, whether it is followed or not. */
  remote: Ref<{ study_uid: string; kind: "image" | "ecg"; by: string } | null>;
  /** Name of whoever moved last; empty when it was this screen. */
  leader: Ref<string>;
  following: Ref<boolean>;
  pointers: Record<string, RemotePointer>;
  /** The call tells which chair is ours and who sits in the others. */
  seated: (mine: string | null, seats: readonly Seat[]) => void;
  move: (view: SharedView) => void;
  follow: (on: boolean) => void;
  open: (study: string, kind: "image" | "ecg") => void;
  close: () => void;
  point: (x: number, y: number, instance: string) => void;
  unpoint: () => void;
}

interface Entry { shared: SharedCoview; users: number; stop: () => void }
const rooms = new Map<string, Entry>();

function make(visitId: string): Entry {
  const view = shallowRef<SharedView | null>(null);
  const remote: SharedCoview["remote"] = shallowRef(null);
  const leader = ref("");
  const following = ref(true);
  const pointers = reactive<Record<string, RemotePointer>>({});
  let seat = "";
  let names: Record<string, string> = {};
  let again = false;
  let pointedAt = 0;
  let pointing = "";

  const co = new Coview(() => seat, {
    send: (state) => live.tell({ t: "view", visit_id: visitId, state: state as Record<string, unknown> }),
    show: (next, by) => {
      leader.value = by === seat ? "" : names[by] ?? "";
      view.value = next.study_uid ? next : null;
    },
    now: () => performance.now(),
    later: (run, ms) => setTimeout(run, ms),
    forget: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  });

  function told(): void {
    const now = co.current;
    remote.value = now?.study_uid ? { study_uid: now.study_uid, kind: now.kind, by: names[co.leader ?? ""] ?? "" } : null;
  }

  function hear(message: Told): void {
    if (message.t === "welcome") {
      // A resumed line keeps its seats; on a new one the seat is taken again first.
      if (message.resumed) co.rejoined();
      else again = true;
    } else if (message.t === "view" && message.visit_id === visitId) {
      co.hear(message.state);
      told();
    } else if (message.t === "pointer" && message.visit_id === visitId && message.seat_id !== seat) {
      if (!message.on) delete pointers[message.seat_id];
      else pointers[message.seat_id] = { seat: message.seat_id, name: names[message.seat_id] ?? "", x: message.x, y: message.y, instance: message.instance, at: performance.now() };
    }
  }

  function seated(mine: string | null, seats: readonly Seat[]): void {
    names = Object.fromEntries(seats.map((one) => [one.id, one.name]));
    for (const one of seats) if (!one.present) delete pointers[one.id];
    if (mine === null) return;
    seat = mine;
    if (again) co.rejoined();
    again = false;
  }

  const off = live.onMessage(hear);
  const sweep = setInterval(() => {
    for (const one of Object.values(pointers)) if (performance.now() - one.at > POINTER_FADES_MS) delete pointers[one.seat];
  }, 1_000);

  function move(next: SharedView): void {
    leader.value = "";
    if (following.value) view.value = next.study_uid ? next : null;
    co.move(next);
  }
  const shared: SharedCoview = {
    view, remote, leader, following, pointers, move, seated,
    follow: (on) => { following.value = on; co.follow(on); },
    open: (study_uid, kind) => { if (view.value?.study_uid !== study_uid || view.value.kind !== kind) move({ study_uid, kind }); },
    close: () => move(CLOSED),
    point: (x, y, instance) => {
      const now = performance.now();
      if (!seat || now - pointedAt < POINTER_EVERY_MS) return;
      pointedAt = now;
      pointing = instance;
      live.tell({ t: "pointer", visit_id: visitId, x, y, on: true, instance });
    },
    unpoint: () => {
      if (!pointing) return;
      live.tell({ t: "pointer", visit_id: visitId, x: 0, y: 0, on: false, instance: pointing });
      pointing = "";
    },
  };
  return { shared, users: 0, stop: () => { off(); clearInterval(sweep); co.stop(); } };
}

/** The shared view of a visit; the room's page asks first, before it joins, so that what the room says at the door is heard. */
export function useCoview(visitId: string): SharedCoview {
  const entry = rooms.get(visitId) ?? make(visitId);
  rooms.set(visitId, entry);
  entry.users++;
  onScopeDispose(() => {
    if (--entry.users > 0) return;
    entry.stop();
    rooms.delete(visitId);
  });
  return entry.shared;
}
