import { ref, watchEffect } from "vue";

/** Elder mode: everything larger. A wish about this screen, kept on this machine; nothing about a person. */
const KEY = "yz-elder";

function read(): boolean {
  try { return localStorage.getItem(KEY) === "on"; } catch { return false; }
}

export const elder = ref(false);

export function startElder(): void {
  elder.value = read();
  watchEffect(() => {
    document.documentElement.dataset["elder"] = elder.value ? "on" : "off";
    try { localStorage.setItem(KEY, elder.value ? "on" : "off"); } catch { /* a private window forgets it */ }
  });
}
