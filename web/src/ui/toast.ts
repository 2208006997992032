import { reactive, readonly } from "vue";
import type { Words } from "@/i18n/words";

export interface Toast { id: number; tone: "ok" | "warn" | "info"; words: Words }

const state = reactive<{ list: Toast[] }>({ list: [] });
export const toasts = readonly(state);
let next = 1;
const STAYS_MS = 7_000;

/** Say something once, without asking for anything. Read aloud politely; stays long enough for a slow reader. */
export function toast(tone: Toast["tone"], words: Words): void {
  const id = next++;
  state.list = [...state.list.slice(-2), { id, tone, words }];
  setTimeout(() => dismiss(id), STAYS_MS);
}

export function dismiss(id: number): void {
  state.list = state.list.filter((one) => one.id !== id);
}
