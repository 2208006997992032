import type { Offer, PoolChange, Urgency } from "@/wire/types";

/** What became of an offer for this doctor. `lost`: somebody else was first; `gone`: it is no longer offered. */
export type Fate = "open" | "won" | "lost" | "gone";
export interface PoolEntry { offer: Offer; fate: Fate }

const RANK: Record<Urgency, number> = { emergency: 0, urgent: 1, normal: 2 };

/** Most urgent first, then who has waited longest: the same for every doctor. */
export function sortPool(entries: readonly PoolEntry[]): PoolEntry[] {
  return [...entries].sort(({ offer: a }, { offer: b }) =>
    RANK[a.urgency] - RANK[b.urgency] || a.waiting_since.localeCompare(b.waiting_since) || a.order_id.localeCompare(b.order_id));
}

/** A fresh list from the server. Decided entries stay until they are dismissed, so that their news can be read. */
export function fromList(offers: readonly Offer[], before: readonly PoolEntry[] = []): PoolEntry[] {
  const decided = before.filter((one) => one.fate !== "open" && !offers.some((offer) => offer.order_id === one.offer.order_id));
  return sortPool([...decided, ...offers.map((offer) => ({ offer, fate: "open" as const }))]);
}

export interface Changed { entries: PoolEntry[]; arrived: boolean; incomplete: boolean }

/** After one event. `arrived`: a new offer (worth a sound); `incomplete`: the event did not carry it, ask for the list. */
export function withChange(entries: readonly PoolEntry[], change: PoolChange): Changed {
  const known = entries.find((one) => one.offer.order_id === change.order_id);
  if (change.op === "removed") {
    const left = entries.flatMap((one) =>
      one.offer.order_id !== change.order_id ? [one] : one.fate === "open" ? [{ ...one, fate: "gone" as const }] : [one]);
    return { entries: left, arrived: false, incomplete: false };
  }
  if (!change.offer?.nonce) return { entries: [...entries], arrived: false, incomplete: true };
  const next = [...entries.filter((one) => one !== known), { offer: change.offer, fate: "open" as const }];
  return { entries: sortPool(next), arrived: !known || known.fate !== "open", incomplete: false };
}

export const withFate = (entries: readonly PoolEntry[], id: string, fate: Fate): PoolEntry[] =>
  entries.map((one) => (one.offer.order_id === id ? { ...one, fate } : one));

export const without = (entries: readonly PoolEntry[], id: string): PoolEntry[] => entries.filter((one) => one.offer.order_id !== id);

/** What a refused claim means for the offer; null: it stays, the doctor may act (go on duty, try again). */
export function fateOf(code: string): Fate | null {
  if (code === "claim_lost") return "lost";
  return code === "claim_stale" || code === "not_found" ? "gone" : null;
}
