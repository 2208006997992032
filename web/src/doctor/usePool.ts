import { reactive, shallowRef } from "vue";
import { chime } from "@/ui/chime";
import { randomWord } from "@/wire/keys";
import { problemOf, type Problem } from "@/wire/problem";
import { http } from "@/wire/session";
import type { Offer, Order, PoolChange } from "@/wire/types";
import { useEvent } from "@/wire/useEvent";
import { useLoad } from "@/wire/useLoad";
import { fateOf, fromList, withChange, withFate, without, type PoolEntry } from "./poolModel";

/** The pool as this doctor sees it, live, and claiming from it. */
export function usePool() {
  const entries = shallowRef<PoolEntry[]>([]);
  const claiming = reactive(new Set<string>());
  const problems = reactive(new Map<string, Problem>());
  const keys = new Map<string, string>();

  const loaded = useLoad(async (signal) => {
    const offers = await http.call("poolList", { signal });
    entries.value = fromList(offers, entries.value);
    return offers;
  });
  useEvent("pool", (data) => {
    const changed = withChange(entries.value, data as unknown as PoolChange);
    if (changed.incomplete) return void loaded.reload().then(() => chime());
    entries.value = changed.entries;
    if (changed.arrived) chime();
  });
  useEvent("duty", () => void loaded.reload());

  /** One offer version, one intention: the key stays the same until it is decided. */
  function keyOf(offer: Offer): string {
    const name = `${offer.order_id}/${offer.version}`;
    const key = keys.get(name) ?? randomWord();
    keys.set(name, key);
    return key;
  }

  async function claim(offer: Offer): Promise<Order | null> {
    const id = offer.order_id;
    if (claiming.has(id)) return null;
    claiming.add(id);
    problems.delete(id);
    try {
      const won = await http.call("orderClaim", { path: { order_id: id }, body: { version: offer.version, nonce: offer.nonce }, key: keyOf(offer) });
      entries.value = withFate(entries.value, id, "won");
      return won.order;
    } catch (error) {
      const problem = problemOf(error);
      const fate = fateOf(problem.code);
      if (fate) entries.value = withFate(entries.value, id, fate);
      else problems.set(id, problem);
      if (!problem.passing) keys.delete(`${id}/${offer.version}`);
      return null;
    } finally {
      claiming.delete(id);
    }
  }
  const dismiss = (id: string) => { entries.value = without(entries.value, id); problems.delete(id); };
  return { entries, loaded, claiming, problems, claim, dismiss };
}
