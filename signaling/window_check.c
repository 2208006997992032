#include "signaling/window_check.h"
#include "core/clock.h"
#include "core/db/db.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "signaling/identity.h"
#include "signaling/seat.h"
#include "signaling/session.h"
#include "signaling/session.sql.h"
#include "signaling/signald.h"
#include "signaling/socket.h"
#include <stdlib.h>

struct window_check {
    struct signald *app;
    struct loop_timer *timer;
    bool asking;
};

struct asked { /* about every window, one column each */
    int64_t *accounts, *tenants, *sessions;
    size_t n, cap;
};

struct closing {
    int64_t account_id, session_id; /* 0: a token's window, so all of the account */
};

static struct metric CLOSED = METRIC_COUNTER(
    "yz_signal_windows_closed_total",
    "Live sockets ended because their account was locked or their session signed out elsewhere.");

static void close_one(void *arg, struct socket *sock)
{
    const struct closing *c = arg;

    if (sock->who->account_id != c->account_id || (c->session_id && sock->who->session_id != c->session_id))
        return;
    log_info("window_closed", LS("socket", sock->id), LID("account", c->account_id));
    CLOSED.value++;
    while (sock->seats)
        seat_leave(sock->seats); /* at once: the grace is for lines that break */
    socket_end(sock, "logged_out");
}

static void on_checked(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct window_check *w = arg;

    w->asking = false;
    if (err) {
        log_debug("windows_not_checked", LERR(err));
        return;
    }
    for (int i = 0; i < rows->n; i++) {
        struct closing c = {db_i64(rows, i, 0), db_i64(rows, i, 1)};
        session_forget(w->app->sessions, c.account_id);
        sockets_each(w->app->sockets, close_one, &c);
    }
}

static void ask_one(void *arg, struct socket *sock)
{
    struct asked *a = arg;

    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 64;
        a->accounts = mem_grow(a->accounts, a->cap * sizeof *a->accounts);
        a->tenants = mem_grow(a->tenants, a->cap * sizeof *a->tenants);
        a->sessions = mem_grow(a->sessions, a->cap * sizeof *a->sessions);
    }
    a->accounts[a->n] = sock->who->account_id;
    a->tenants[a->n] = sock->who->tenant_id;
    a->sessions[a->n++] = sock->who->session_id;
}

static void check(void *arg)
{
    struct window_check *w = arg;
    struct asked a = {0};
    struct db_args args;

    if (w->asking || !db_is_ready(w->app->db))
        return;
    sockets_each(w->app->sockets, ask_one, &a);
    if (a.n) {
        w->asking = true;
        db_args_init(&args);
        db_arg_id(&args, w->app->region_id);
        db_arg_i64s(&args, a.accounts, a.n);
        db_arg_i64s(&args, a.tenants, a.n);
        db_arg_i64s(&args, a.sessions, a.n);
        db_query(w->app->db, &(struct db_scope){w->app->region_id, 0, 0}, &SQL_windows_to_close, &args,
                 on_checked, w);
    }
    free(a.accounts);
    free(a.tenants);
    free(a.sessions);
}

struct window_check *window_check_new(struct signald *app)
{
    struct window_check *w = mem_new(sizeof *w);

    w->app = app;
    w->timer = loop_timer(app->loop, WINDOW_CHECK_S * US_PER_S, WINDOW_CHECK_S * US_PER_S, check, w);
    metrics_add(&CLOSED);
    return w;
}

void window_check_free(struct window_check *w)
{
    if (!w)
        return;
    loop_untimer(w->timer);
    free(w);
}
