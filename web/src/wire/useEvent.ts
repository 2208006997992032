import { onScopeDispose } from "vue";
import { live } from "./session";
import type { Order, ServerEvent } from "./types";

/** Listen to one topic of the live socket for as long as the screen is there. */
export function useEvent(topic: ServerEvent["topic"], heard: (data: Record<string, unknown>) => void): void {
  onScopeDispose(live.onMessage((message) => {
    if (message.t === "event" && message.topic === topic) heard(message.data);
  }));
}

/** What an `order` event tells: which order, and the order itself when this account may see it. */
export function useOrderEvents(heard: (id: string, order: Order | null) => void): void {
  useEvent("order", (data) => {
    const order = (data["order"] ?? null) as Order | null;
    const id = order?.id ?? (typeof data["order_id"] === "string" ? data["order_id"] : "");
    if (id) heard(id, order);
  });
}
