import { computed } from "vue";
import { http } from "@/wire/session";
import type { Order } from "@/wire/types";
import { useOrderEvents } from "@/wire/useEvent";
import { useLoad, type Loaded } from "@/wire/useLoad";
import { newer } from "./orderView";

/** One order, live. Answers, events and reloads may overtake each other; the newest version stays. */
export function useOrder(id: () => string | null) {
  const loaded: Loaded<Order> = useLoad(async (signal) => {
    const order = await http.call("orderGet", { path: { order_id: id() ?? "" }, signal });
    return newer(loaded?.data ?? null, order);
  }, id);
  const put = (order: Order) => loaded.put(newer(loaded.data, order));
  useOrderEvents((changed, order) => {
    if (changed !== id()) return;
    // An event may have been made for another pair of eyes: what this caller may do comes only from asking.
    if (order && order.version < (loaded.data?.version ?? 0)) return;
    void loaded.reload();
  });
  return { loaded, order: computed(() => loaded.data), put };
}
