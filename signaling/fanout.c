#include "signaling/fanout.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/json.h"
#include "core/log.h"
#include "signaling/identity.h"
#include "signaling/signald.h"
#include "signaling/socket.h"
#include "signaling/visit.h"
#include <string.h>

/* --- events --- */

bool fanout_hears(const struct owner_event *ev, const struct identity *who)
{
    for (size_t i = 0; i < ev->accounts_n; i++)
        if (ev->accounts[i] == who->account_id)
            return true;
    if (ev->roles && !(ev->roles & who->roles))
        return false;
    for (size_t i = 0; i < ev->tenants_n; i++)
        if (ev->tenants[i] == who->tenant_id || ev->tenants[i] == 0) /* 0: the whole region */
            return true;
    return false;
}

struct spreading {
    const struct owner_event *ev;
    struct socket_text *text;
};

static void spread_one(void *arg, struct socket *sock)
{
    struct spreading *s = arg;

    if (fanout_hears(s->ev, sock->who))
        socket_send_text(sock, s->text);
}

static void spread(struct signald *app, const struct owner_event *ev)
{
    json_t *doc = json_pack("{s:s, s:s, s:I, s:O}", "t", "event", "topic", ev->topic, "seq",
                            (json_int_t)ev->seq, "data", ev->data);
    struct spreading s = {ev, socket_text_new(doc)};

    sockets_each(app->sockets, spread_one, &s);
    socket_text_unref(s.text);
    json_decref(doc);
}

void fanout_event(struct signald *app, const struct owner_event *ev)
{
    int64_t visit_id = 0;

    spread(app, ev);
    if (json_opt_id(ev->data, "visit_id", &visit_id, NULL) && visit_id)
        visit_refresh(app->visits, visit_id);
}

static unsigned read_accounts(const char *text, int64_t *out, unsigned max)
{
    unsigned n = 0;

    for (const char *p = text; *p && n < max;) {
        size_t len = strcspn(p, "{},");
        if (id_parse(p, len, &out[n]))
            n++;
        p += len;
        p += *p != '\0';
    }
    return n;
}

void fanout_accounts(struct signald *app, const char *topic, const char *accounts, const json_t *data)
{
    int64_t ids[32];
    struct owner_event ev = {.topic = topic, .accounts = ids, .data = (json_t *)data};

    ev.accounts_n = read_accounts(accounts, ids, 32);
    spread(app, &ev);
}

/* --- what is away --- */

static json_t *delayed(const struct signald *app)
{
    if (app->database_away_us)
        return json_pack("{s:s, s:s, s:o}", "t", "delayed", "what", "database", "since",
                         json_time(app->database_away_us));
    if (app->scheduler_away_us)
        return json_pack("{s:s, s:s, s:o}", "t", "delayed", "what", "scheduler", "since",
                         json_time(app->scheduler_away_us));
    return json_pack("{s:s, s:n}", "t", "delayed", "what");
}

static void tell(void *arg, struct socket *sock)
{
    socket_send_text(sock, arg);
}

static void tell_all(struct signald *app)
{
    json_t *doc = delayed(app);
    struct socket_text *text = socket_text_new(doc);

    json_decref(doc);
    sockets_each(app->sockets, tell, text);
    socket_text_unref(text);
}

static bool change(int64_t *since, bool up)
{
    if (up == (*since == 0))
        return false;
    *since = up ? 0 : clock_now_us();
    return true;
}

/* The imaging room is not said to be away: its routes say so themselves, and no call waits for it. */
void fanout_owner(struct signald *app, enum owner owner, bool up)
{
    if (owner != OWNER_SCHEDULER)
        return;
    if (up)
        visits_report_all(app->visits);
    if (change(&app->scheduler_away_us, up))
        tell_all(app);
}

static void refresh(void *arg, struct visit *visit)
{
    visit_refresh(arg, visit->id);
}

void fanout_database(struct signald *app, bool up)
{
    if (!change(&app->database_away_us, up))
        return;
    log_info(up ? "database_back" : "database_away");
    tell_all(app);
    if (up)
        visits_each(app->visits, refresh, app->visits);
}

void fanout_state(struct signald *app, struct socket *sock)
{
    if (app->database_away_us || app->scheduler_away_us)
        socket_send(sock, delayed(app));
}
