import { webcrypto } from "node:crypto";

// Every browser has it; Debian 12's Node 18 keeps it in a module.
if (!("crypto" in globalThis)) Object.defineProperty(globalThis, "crypto", { value: webcrypto });
