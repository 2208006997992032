import { expect, test } from "vitest";
import { Problem } from "./problem";
import { useAction } from "./useAction";

test("a double press is one call with one key", async () => {
  const keys: string[] = [];
  let done = () => undefined as void;
  const action = useAction((_: { slot: string }, key: string) => {
    keys.push(key);
    return new Promise<string>((resolve) => { done = () => resolve("order"); });
  });
  const first = action.run({ slot: "1" });
  const second = action.run({ slot: "1" });
  done();
  expect([await first, await second]).toEqual(["order", undefined]);
  expect(keys).toHaveLength(1);
});

test("asking again after an unknown outcome uses the same key", async () => {
  const keys: string[] = [];
  const action = useAction((_: number, key: string) => {
    keys.push(key);
    return keys.length === 1 ? Promise.reject(new Problem("outcome_unknown")) : Promise.resolve("ok");
  });
  await action.run(5);
  expect(action.problem?.code).toBe("outcome_unknown");
  await action.run(5);
  expect(new Set(keys).size).toBe(1);
  expect(action.problem).toBeNull();
});

test("after a refusal the next press is a new intention", async () => {
  const keys: string[] = [];
  const action = useAction((_: number, key: string) => { keys.push(key); return Promise.reject(new Problem("slot_full", 409)); });
  await action.run(5);
  await action.run(5);
  expect(new Set(keys).size).toBe(2);
});
