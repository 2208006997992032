#include "tests/unit/scheduling/sched_fx.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef YZ_SOURCE_DIR
#error YZ_SOURCE_DIR names the checkout
#endif

static void as_role(char *out, size_t cap, const char *conninfo, const char *role)
{
    const char *user = strstr(conninfo, "user="), *rest = strchr(user, ' ');

    snprintf(out, cap, "%.*suser=%s%s", (int)(user - conninfo), conninfo, role, rest);
}

static char *file_text(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = mem_new(1 << 20);

    CHECK(f != NULL);
    text[fread(text, 1, (1 << 20) - 1, f)] = 0;
    fclose(f);
    return text;
}

static void load(struct fx *f, const char *path)
{
    char *text = file_text(path);

    pg_sql_at(f->super, text);
    free(text);
}

static void on_event(void *arg, struct owner_event *ev)
{
    struct fx *f = arg;

    if (f->n_events == sizeof f->events / sizeof *f->events)
        owner_event_free(ev);
    else
        f->events[f->n_events++] = ev;
}

static void on_owner(void *arg, int64_t epoch, uint64_t last_seq)
{
    struct fx *f = arg;

    (void)last_seq;
    f->epoch = epoch;
}

static void fx_close(void *arg)
{
    struct fx *f = arg;

    owner_free(f->o);
    fx_forget_events(f);
    for (size_t i = 0; i < f->n_asked; i++)
        request_free(f->asked[i]);
    free(f);
}

struct fx *fx_bare(struct test *t)
{
    struct fx *f = mem_new(sizeof *f);
    const char *conninfo = pg_new_migrated(PG_SUPERUSER);

    f->t = t;
    snprintf(f->report_key, sizeof f->report_key, "%s", test_path(t, test_dir(t), "report.key"));
    snprintf(f->super, sizeof f->super, "%s", conninfo);
    as_role(f->sched, sizeof f->sched, conninfo, "yz_schedulerd");
    as_role(f->signal, sizeof f->signal, conninfo, "yz_signald");
    as_role(f->audit, sizeof f->audit, conninfo, "yz_audit_ro");
    test_cleanup(t, fx_close, f);
    return f;
}

static struct owner *make_owner(struct fx *f, uint16_t node, bool listen)
{
    struct owner_options opt = {.conninfo = f->sched,
                                .key_path = test_path(f->t, test_dir(f->t), "audit.key"),
                                .report_key_path = f->report_key,
                                .region_id = 150000,
                                .node = node,
                                .lease_us = 1000 * US_PER_MS,
                                .open_orders_max = 2,
                                .on_event = listen ? on_event : NULL,
                                .on_owner = listen ? on_owner : NULL,
                                .arg = f};
    struct err err = ERR_INIT;
    struct owner *o;

    CHECK_OK(owner_new(&o, &opt, &err), &err);
    return o;
}

static void free_owner(void *arg)
{
    owner_free(arg);
}

struct owner *fx_rival(struct fx *f, uint16_t node)
{
    struct owner *o = make_owner(f, node, false);

    test_cleanup(f->t, free_owner, o);
    return o;
}

struct fx *fx_open(struct test *t)
{
    struct fx *f = fx_bare(t);

    load(f, YZ_SOURCE_DIR "/records/demo.sql");
    load(f, YZ_SOURCE_DIR "/scheduling/demo.sql");
    f->o = make_owner(f, 7, true);
    CHECK(owner_tick(f->o));
    CHECK_INT(f->epoch, 1);
    return f;
}

/* ---------------------------------------------------------------- asking */

/* The demo's accounts: login, account, tenant, person, staff, roles. */
static const struct who {
    const char *login;
    int64_t account, tenant, person, staff;
    uint32_t roles;
} WHO[] = {
    {"patient1", 301, 11, 101, 0, ROLE_PATIENT},
    {"patient2", 302, 21, 102, 0, ROLE_PATIENT},
    {"patient3", 303, 21, 103, 0, ROLE_PATIENT},
    {"patient4", 304, 21, 104, 0, ROLE_PATIENT},
    {"patient5", 305, 22, 106, 0, ROLE_PATIENT},
    {"doctor1", 311, 31, 0, 201, ROLE_DOCTOR},
    {"doctor2", 312, 31, 0, 202, ROLE_DOCTOR},
    {"doctor3", 313, 32, 0, 203, ROLE_DOCTOR},
    {"township_doctor1", 314, 21, 0, 204, ROLE_TOWNSHIP_DOCTOR},
    {"operator1", 315, 21, 0, 205, ROLE_OPERATOR},
    {"reader1", 316, 32, 0, 206, ROLE_READER},
    {"reader2", 323, 31, 0, 213, ROLE_READER},
    {"office1", 317, 31, 0, 207, ROLE_OFFICE},
    {"coordinator1", 318, 1, 0, 208, ROLE_COORDINATOR},
    {"supervisor1", 320, 1, 0, 210, ROLE_SUPERVISOR},
    {"system", 0, 0, 0, 0, ROLE_SYSTEM},
};

static const struct who *who_is(const char *login)
{
    for (size_t i = 0; i < sizeof WHO / sizeof *WHO; i++)
        if (!strcmp(WHO[i].login, login))
            return &WHO[i];
    CHECK(!"a demo account");
    return NULL;
}

static struct sched_request *request_v(struct fx *f, const char *login, enum sched_op op, const char *body,
                                       va_list ap)
{
    const struct who *w = who_is(login);
    struct sched_request *r = mem_new(sizeof *r);
    struct err err = ERR_INIT;
    char text[8192];
    int len = vsnprintf(text, sizeof text, body, ap);

    CHECK(len < (int)sizeof text && f->n_asked < sizeof f->asked / sizeof *f->asked);
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    *r = (struct sched_request){.op = op,
                                .region_id = 150000,
                                .tenant_id = w->tenant,
                                .account_id = w->account,
                                .person_id = w->person,
                                .staff_id = w->staff,
                                .roles = w->roles};
    snprintf(r->client_id, sizeof r->client_id, "t%zu", f->n_asked);
    f->asked[f->n_asked++] = r;
    if (!request_parse(r, (const uint8_t *)text, (size_t)len, &err))
        r->answer.err = err;
    return r;
}

struct sched_request *fx_request(struct fx *f, const char *login, enum sched_op op, const char *body, ...)
{
    va_list ap;

    va_start(ap, body);
    struct sched_request *r = request_v(f, login, op, body, ap);
    va_end(ap);
    return r;
}

struct sched_request *fx_ask(struct fx *f, const char *login, enum sched_op op, const char *body, ...)
{
    va_list ap;

    va_start(ap, body);
    struct sched_request *r = request_v(f, login, op, body, ap);
    va_end(ap);
    if (!r->answer.err.code)
        owner_turn(f->o, &r, 1);
    return r;
}

json_t *fx_get(struct fx *f, const char *login, enum sched_op op, const char *body, ...)
{
    va_list ap;

    va_start(ap, body);
    struct sched_request *r = request_v(f, login, op, body, ap);
    va_end(ap);
    if (!r->answer.err.code)
        owner_turn(f->o, &r, 1);
    CHECK_OK(!r->answer.err.code, &r->answer.err);
    CHECK(r->answer.doc != NULL);
    return r->answer.doc;
}

/* ---------------------------------------------------------------- reading */

static const json_t *at(const json_t *doc, const char *path)
{
    char key[64];
    size_t len;

    for (; doc && *path; path += len + (path[len] == '.')) {
        len = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)len, path);
        doc = json_object_get(doc, key);
    }
    return doc;
}

const char *fx_str(const json_t *doc, const char *path)
{
    const json_t *v = at(doc, path);

    return json_is_string(v) ? json_string_value(v) : "";
}

int64_t fx_int(const json_t *doc, const char *path)
{
    return json_integer_value(at(doc, path));
}

int64_t fx_id(const json_t *doc, const char *path)
{
    int64_t id = 0;
    const char *text = fx_str(doc, path);

    CHECK(id_parse(text, strlen(text), &id));
    return id;
}

bool fx_has(const json_t *list, const char *word)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i,
                       item) if (json_is_string(item) && !strcmp(json_string_value(item), word)) return true;
    return false;
}

static char *format_v(const char *sql, va_list ap)
{
    static char text[16384];

    vsnprintf(text, sizeof text, sql, ap);
    return text;
}

void fx_sql(struct fx *f, const char *sql, ...)
{
    va_list ap;

    va_start(ap, sql);
    pg_sql_at(f->super, format_v(sql, ap));
    va_end(ap);
}

static const char *value_of(struct fx *f, const char *sql)
{
    static char value[4096];
    struct db_stmt stmt = {.name = "test", .text = sql, .params = 0};
    struct db_rows rows;
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, f->super, &err), &err);
    bool ok = db_sync_query(s, NULL, &stmt, NULL, &rows, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
    snprintf(value, sizeof value, "%s", rows.n ? db_str(&rows, 0, 0) : "");
    db_rows_free(&rows);
    return value;
}

const char *fx_value(struct fx *f, const char *sql, ...)
{
    va_list ap;

    va_start(ap, sql);
    const char *text = format_v(sql, ap);
    va_end(ap);
    return value_of(f, text);
}

int64_t fx_count(struct fx *f, const char *sql, ...)
{
    va_list ap;

    va_start(ap, sql);
    const char *text = format_v(sql, ap);
    va_end(ap);
    return strtoll(value_of(f, text), NULL, 10);
}

int fx_events(struct fx *f, const char *topic, json_t **newest)
{
    int n = 0;

    for (size_t i = 0; i < f->n_events; i++) {
        if (strcmp(f->events[i]->topic, topic) != 0)
            continue;
        n++;
        if (newest) {
            json_decref(*newest);
            *newest = json_loads(f->events[i]->json, 0, NULL);
        }
    }
    return n;
}

void fx_forget_events(struct fx *f)
{
    for (size_t i = 0; i < f->n_events; i++)
        owner_event_free(f->events[i]);
    f->n_events = 0;
}

/* ---------------------------------------------------------------- steps */

void fx_on_duty(struct fx *f, const char *doctor)
{
    CHECK(json_is_true(json_object_get(fx_get(f, doctor, SCHED_OP_DUTY_SET, "{'on':true}"), "on_duty")));
}

int64_t fx_assist(struct fx *f, int64_t person_id)
{
    json_t *order =
        fx_get(f, "township_doctor1", SCHED_OP_ORDER_CREATE,
               "{'person_id':'%lld','complaint':'胸闷两天','specialty':'general','urgency':'normal'}",
               (long long)person_id);

    CHECK_STR(fx_str(order, "state"), "pooled");
    return fx_id(order, "id");
}

json_t *fx_pool_offer(struct fx *f, const char *doctor, int64_t order_id)
{
    json_t *pool = fx_get(f, doctor, SCHED_OP_POOL_LIST, "{}"), *offer;
    size_t i;

    json_array_foreach(pool, i, offer) if (fx_id(offer, "order_id") == order_id) return offer;
    return NULL;
}

struct sched_request *fx_claim(struct fx *f, const char *doctor, int64_t order_id)
{
    const json_t *offer = fx_pool_offer(f, doctor, order_id);

    CHECK(offer != NULL);
    return fx_ask(f, doctor, SCHED_OP_ORDER_CLAIM, "{'order_id':'%lld','version':%lld,'nonce':'%s'}",
                  (long long)order_id, (long long)fx_int(offer, "version"), fx_str(offer, "nonce"));
}

int64_t fx_publish(struct fx *f)
{
    int64_t id = fx_count(
        f, "SELECT id FROM scheduling.roster_sessions WHERE clinic_id = 41 AND state = 'draft' LIMIT 1");
    json_t *roster =
        fx_get(f, "office1", SCHED_OP_ROSTER_PUBLISH, "{'roster_id':'%lld','version':1}", (long long)id);

    CHECK_STR(fx_str(roster, "state"), "open");
    return id;
}

int64_t fx_slot(struct fx *f, int nth)
{
    /* From the table, not the list of a day: the hour at which a test runs must not matter. */
    int64_t id =
        fx_count(f,
                 "SELECT id FROM scheduling.slots WHERE clinic_id = 41 AND state = 'free' AND ends_at > now()"
                 " ORDER BY starts_at OFFSET %d LIMIT 1",
                 nth);

    CHECK(id > 0);
    return id;
}

json_t *fx_book(struct fx *f, const char *patient, int64_t slot_id)
{
    return fx_get(f, patient, SCHED_OP_APPOINTMENT_CREATE,
                  "{'slot_id':'%lld','complaint':'复诊','prior_diagnosis':{'text':'原发性高血压','evidence':'"
                  "出院小结'}}",
                  (long long)slot_id);
}

void fx_consents(struct fx *f, int64_t visit_id, const char *kinds)
{
    fx_sql(f,
           "INSERT INTO records.consents (region_id, visit_id, id, tenant_id, person_id, kind, version, "
           "locale, text_hash, granted,"
           " account_id, at) SELECT v.region_id, v.id, (random() * 1e15)::bigint, v.tenant_id, v.person_id, "
           "t.kind, 1, 'zh-CN',"
           " t.text_hash, true, 301, now() FROM records.visits v JOIN records.consent_texts t ON t.region_id "
           "= v.region_id AND"
           " t.locale = 'zh-CN' AND t.kind = ANY (string_to_array('%s', ',')) WHERE v.id = %lld",
           kinds, (long long)visit_id);
}

int64_t fx_seat(struct fx *f, int64_t visit_id, const char *role)
{
    return fx_count(
        f, "SELECT id FROM records.visit_seats WHERE visit_id = %lld AND role = '%s' AND removed_at IS NULL",
        (long long)visit_id, role);
}

void fx_present(struct fx *f, int64_t visit_id, const char *role, bool present)
{
    fx_get(f, "system", SCHED_OP_PRESENCE,
           "{'visit_id':'%lld','seat_id':'%lld','role':'%s','present':%s,'event':'%s'}", (long long)visit_id,
           (long long)fx_seat(f, visit_id, role), role, present ? "true" : "false",
           present ? "joined" : "left");
}

json_t *fx_order(struct fx *f, const char *login, int64_t order_id)
{
    return fx_get(f, login, SCHED_OP_ORDER_GET, "{'order_id':'%lld'}", (long long)order_id);
}

struct sched_request *fx_step(struct fx *f, const char *login, enum sched_op op, int64_t order_id)
{
    return fx_ask(
        f, login, op, "{'order_id':'%lld','version':%lld%s}", (long long)order_id,
        (long long)fx_count(f, "SELECT version FROM scheduling.orders WHERE id = %lld", (long long)order_id),
        op == SCHED_OP_ORDER_CANCEL || op == SCHED_OP_APPOINTMENT_CANCEL ? ",'reason':'test'" : "");
}
