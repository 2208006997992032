import { createApp } from "vue";
import App from "./app/App.vue";
import { router } from "./app/router";
import { followLocale, i18n } from "./i18n";
import { startElder } from "./ui/elder";
import "./ui/base.css";
import { watchNetwork } from "./wire/session";

// A page opened before an update asks for files that are gone: load the new page once instead of failing.
addEventListener("vite:preloadError", () => location.reload());

startElder();
followLocale();
watchNetwork();
createApp(App).use(i18n).use(router).mount("#app");
