import { nextTick } from "vue";
import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import { hasRole, restore, session } from "@/wire/session";
import type { Role } from "@/wire/types";

declare module "vue-router" {
  interface RouteMeta { open?: boolean; anyone?: boolean; stage?: boolean; roles?: readonly Role[]; title?: string }
}

const STAFF_TOWNSHIP = ["township_doctor", "operator"] as const;
const routes: RouteRecordRaw[] = [
  { path: "/login", component: () => import("@/pages/LoginPage.vue"), meta: { open: true, title: "login.enter" } },
  { path: "/", component: () => import("@/pages/HomePage.vue"), meta: { title: "nav.home" } },
  { path: "/clinics", component: () => import("@/pages/ClinicsPage.vue"), meta: { roles: ["patient"], title: "home.clinics" } },
  { path: "/clinic/:id", component: () => import("@/pages/ClinicPage.vue"), props: true, meta: { roles: ["patient"], title: "booking.chooseTime" } },
  { path: "/orders/:id", component: () => import("@/pages/OrderPage.vue"), props: true, meta: { title: "order.title" } },
  { path: "/visit/:id", component: () => import("@/pages/VisitPage.vue"), props: true, meta: { title: "room.title", stage: true } },
  { path: "/doctor", component: () => import("@/pages/DoctorHome.vue"), meta: { roles: ["doctor"], title: "doctor.title" } },
  { path: "/pool", component: () => import("@/pages/PoolPage.vue"), meta: { roles: ["doctor"], title: "pool.title" } },
  { path: "/township", component: () => import("@/pages/TownshipPage.vue"), meta: { roles: STAFF_TOWNSHIP, title: "township.title" } },
  { path: "/office", component: () => import("@/pages/OfficePage.vue"), meta: { roles: ["office"], title: "office.title" } },
  { path: "/audit", component: () => import("@/pages/AuditPage.vue"), meta: { roles: ["auditor"], title: "audit.title" } },
  { path: "/my/access-log", component: () => import("@/pages/AccessLogPage.vue"), meta: { roles: ["patient"], title: "access.title" } },
  { path: "/study/:study", component: () => import("@/pages/StudyPage.vue"), props: true, meta: { title: "viewer.title", stage: true } },
  { path: "/read/:id", component: () => import("@/pages/ReadPage.vue"), props: true, meta: { roles: ["reader"], title: "reading.page" } },
  { path: "/exams/:id", component: () => import("@/pages/ExamPage.vue"), props: true, meta: { title: "exam.title" } },
  { path: "/verify/:code?", component: () => import("@/pages/VerifyPage.vue"), props: (to) => ({ code: String(to.params["code"] ?? "") }), meta: { anyone: true, title: "verify.title" } },
  { path: "/recording/:visitId", component: () => import("@/pages/RecordingPage.vue"), props: true, meta: { title: "recording.title" } },
  { path: "/:rest(.*)*", component: () => import("@/pages/NotFoundPage.vue"), meta: { title: "home.notFound" } },
];

/** Where a role begins its day when it has a page of its own. */
export function homeOf(): string {
  if (hasRole("patient", "doctor", "reader")) return "/";
  if (hasRole(...STAFF_TOWNSHIP)) return "/township";
  if (hasRole("office")) return "/office";
  return hasRole("auditor") ? "/audit" : "/";
}

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
});

/** A new page is read from its beginning: without this, a screen reader stays where the old page's link was. */
router.afterEach(async (to, from) => {
  if (to.path === from.path || from.matched.length === 0) return;
  await nextTick();
  const main = document.getElementById("main");
  main?.setAttribute("tabindex", "-1");
  main?.focus({ preventScroll: true });
});

router.beforeEach(async (to) => {
  if (!session.known) await restore().catch(() => undefined);
  if (to.meta.anyone) return true;
  if (!session.account) return to.meta.open ? true : { path: "/login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
  if (to.meta.open) return homeOf();
  if (to.path === "/" && homeOf() !== "/") return homeOf();
  // Not a lock, only a kindness: the server refuses what a role may not do.
  return to.meta.roles && !hasRole(...to.meta.roles) ? homeOf() : true;
});
