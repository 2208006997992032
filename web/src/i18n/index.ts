import { watch } from "vue";
import { createI18n } from "vue-i18n";
import { session } from "@/wire/session";
import en from "./en";
import zhCN from "./zh-CN";

export const i18n = createI18n<[typeof zhCN], "zh-CN" | "en", false>({
  legacy: false, locale: "zh-CN", fallbackLocale: "zh-CN", messages: { "zh-CN": zhCN, en },
});

/** The language follows the session: the account's own, or what was chosen on the login page. */
export function followLocale(): void {
  watch(() => session.locale, (locale) => {
    i18n.global.locale.value = locale;
    document.documentElement.lang = locale;
    document.title = i18n.global.t("app.name");
  }, { immediate: true });
}
