import { words, type Words } from "@/i18n/words";
import type { Action, Order, OrderState, Urgency } from "@/wire/types";

/** Colour that repeats what the word of a state says. */
export type Tone = "plain" | "ok" | "warn" | "danger" | "info" | "brand";

const TONE: Record<OrderState, Tone> = {
  draft: "plain", submitted: "plain", returned: "warn", paid_or_exempt: "plain",
  booked: "info", pooled: "info", escalated: "info", dispatched: "brand", claimed: "brand", waiting: "warn", live: "ok",
  documenting: "brand", signed: "ok", closed: "plain", cancelled: "plain", expired: "plain", no_show: "plain", refunded: "plain",
};
export const toneOf = (state: OrderState): Tone => TONE[state];
export const URGENCIES: readonly Urgency[] = ["normal", "urgent", "emergency"];
export const urgencyTone = (urgency: Urgency): Tone => (urgency === "emergency" ? "danger" : urgency === "urgent" ? "warn" : "plain");

/** Whose eyes look at an order; each sees who acts next in their own words. */
export type Viewer = "patient" | "township" | "doctor";

const FINAL: readonly OrderState[] = ["signed", "closed", "cancelled", "expired", "no_show", "refunded"];
export const isFinal = (state: OrderState): boolean => FINAL.includes(state);
/** Ended and written up: there is a result to read. */
export const hasResult = (state: OrderState): boolean => state === "signed" || state === "closed";

export const may = (order: Pick<Order, "actions">, action: Action): boolean => order.actions.includes(action);

/** Who acts next, for this viewer. */
export const nextWords = (order: Order, viewer: Viewer): Words => words(`order.next.${viewer}.${order.state}`);

const TODAY_RANK: Partial<Record<OrderState, number>> = { live: 0, waiting: 1, documenting: 2, claimed: 3, pooled: 4, booked: 5 };
const URGENCY_RANK: Record<Urgency, number> = { emergency: 0, urgent: 1, normal: 2 };

/** A working list in the order a person should look at it: who is in the room, who waits (by urgency), what is to be
 * written, what comes, what is done. */
export function sortToday(orders: readonly Order[]): Order[] {
  const at = (order: Order): string => order.slot_starts_at ?? order.created_at;
  return [...orders].sort((a, b) =>
    (TODAY_RANK[a.state] ?? 9) - (TODAY_RANK[b.state] ?? 9) || URGENCY_RANK[a.urgency] - URGENCY_RANK[b.urgency] || at(a).localeCompare(at(b)));
}

/** What a patient's own page of an order shows. */
export type Stage = "consents" | "before" | "check_in" | "searching" | "waiting" | "enter" | "writing" | "result" | "ended";

export function stageOf(order: Order, consentsOpen: boolean): Stage {
  if (hasResult(order.state)) return "result";
  if (isFinal(order.state)) return "ended";
  if (order.state === "documenting") return "writing";
  if (order.state === "live") return "enter";
  if (consentsOpen) return "consents";
  if (order.state === "waiting" || order.state === "claimed") return may(order, "check_in") ? "check_in" : "waiting";
  if (order.state === "booked") return may(order, "check_in") ? "check_in" : "before";
  return "searching";
}

/** A newer version of the same order replaces an older one, never the other way: answers may overtake events. */
export const newer = (known: Order | null, next: Order): Order =>
  known && known.id === next.id && known.version > next.version ? known : next;

const VITALS = ["temperature", "systolic", "diastolic", "pulse", "spo2", "glucose", "history"] as const;
export type Vital = (typeof VITALS)[number];

/** The measured values of an order in a fixed order; unknown members are left to the audit. */
export function vitalsOf(order: Pick<Order, "vitals">): { name: Vital; value: string }[] {
  const given = order.vitals ?? {};
  return VITALS.flatMap((name) => {
    const value = given[name];
    return typeof value === "string" || typeof value === "number" ? [{ name, value: String(value) }] : [];
  });
}
