import vue from "@vitejs/plugin-vue";
import { fileURLToPath, URL } from "node:url";
import { defineConfig } from "vitest/config";
import { codecs } from "./tools/codecs";

// YUNZHEN_ORIGIN lets `npm run dev` talk to a product started by ops/up.
const origin = process.env["YUNZHEN_ORIGIN"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [codecs, vue()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: "false",
    __VUE_PROD_DEVTOOLS__: "false",
    // The message compiler interprets a tree instead of building functions: the page's CSP forbids eval.
    __INTLIFY_JIT_COMPILATION__: "true",
    __VUE_I18N_FULL_INSTALL__: "false",
    __VUE_I18N_LEGACY_API__: "false",
  },
  build: {
    target: "es2021", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false },
    // The viewer's engine is one lazy chunk that only whoever opens an image loads.
    chunkSizeWarningLimit: 4_000,
  },
  // The decoders' worker is a module that loads each codec when an image needs it.
  worker: { format: "es", plugins: () => [codecs] },
  optimizeDeps: { exclude: ["@cornerstonejs/dicom-image-loader"], include: ["dicom-parser"] },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: origin, changeOrigin: true }, "/dicomweb": { target: origin, changeOrigin: true }, "/ws": { target: origin, ws: true, changeOrigin: true } },
  },
  test: { include: ["src/**/*.test.ts", "tools/**/*.test.ts"], environment: "node", setupFiles: ["tools/vitest-setup.ts"], pool: "threads", poolOptions: { threads: { maxThreads: 2 } } },
});
