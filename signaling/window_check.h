/* window_check.h - whether those whose windows are open may still have them: every WINDOW_CHECK_S the database is asked about
 * all of them at once. Locked accounts, closed houses and sessions that were signed out elsewhere leave their seats and get
 * `bye` logged_out. While the database is away nobody is sent off.
 * Runs on the service loop only.
 */
#pragma once

struct signald;
struct window_check;

#define WINDOW_CHECK_S 5

struct window_check *window_check_new(struct signald *app);
void window_check_free(struct window_check *c); /* NULL is fine */
