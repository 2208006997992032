/* sched_fx.h - a region with its demo people and an owner that decides for it, in a database of the test's own. */
#pragma once
#include "scheduling/owner.h"
#include "tests/unit/pg_fixture.h"

struct fx {
    struct test *t;
    char super[256], sched[256], signal[256], audit[256]; /* conninfo by role */
    char report_key[256];
    struct owner *o;
    struct owner_event *events[4096];
    size_t n_events;
    struct sched_request *asked[4096];
    size_t n_asked;
    int64_t epoch; /* as told by on_owner */
};

/** Released with the test. The owner has ticked once and owns the region. */
struct fx *fx_open(struct test *t);
/** The same without demo data and owner. */
struct fx *fx_bare(struct test *t);
/** A second process that would own the same region. */
struct owner *fx_rival(struct fx *f, uint16_t node);

/** A request of a demo account ("system": signald itself); body is printf-like JSON with ' for ". Not yet decided. */
struct sched_request *fx_request(struct fx *f, const char *login, enum sched_op op, const char *body, ...)
    __attribute__((format(printf, 4, 5)));
/** Decide one request. */
struct sched_request *fx_ask(struct fx *f, const char *login, enum sched_op op, const char *body, ...)
    __attribute__((format(printf, 4, 5)));
/** The same, and it must be answered. */
json_t *fx_get(struct fx *f, const char *login, enum sched_op op, const char *body, ...)
    __attribute__((format(printf, 4, 5)));

#define CHECK_REFUSED(req, cod, word)                                                                        \
    do {                                                                                                     \
        CHECK_STR((req)->answer.err.reason, word);                                                           \
        CHECK_INT((req)->answer.err.code, cod);                                                              \
    } while (0)

const char *fx_str(const json_t *doc, const char *path); /* "order.state"; "" when absent */
int64_t fx_int(const json_t *doc, const char *path);
int64_t fx_id(const json_t *doc, const char *path);
bool fx_has(const json_t *list, const char *word); /* a list of strings */

void fx_sql(struct fx *f, const char *sql, ...) __attribute__((format(printf, 2, 3)));
const char *fx_value(struct fx *f, const char *sql, ...) __attribute__((format(printf, 2, 3)));
int64_t fx_count(struct fx *f, const char *sql, ...) __attribute__((format(printf, 2, 3)));
/** Events of a topic since the last call, and the data of the newest. */
int fx_events(struct fx *f, const char *topic, json_t **newest);
void fx_forget_events(struct fx *f);

/* Steps of the story, each checked. */
void fx_on_duty(struct fx *f, const char *doctor);
int64_t fx_assist(struct fx *f, int64_t person_id); /* township_doctor1 raises an order; its id */
json_t *fx_pool_offer(struct fx *f, const char *doctor, int64_t order_id); /* NULL: not offered */
struct sched_request *fx_claim(struct fx *f, const char *doctor, int64_t order_id);
int64_t fx_publish(struct fx *f);       /* doctor1's session of today; the clinic is 41 */
int64_t fx_slot(struct fx *f, int nth); /* nth free slot of clinic 41 */
json_t *fx_book(struct fx *f, const char *patient, int64_t slot_id);
void fx_consents(struct fx *f, int64_t visit_id, const char *kinds); /* comma list */
int64_t fx_seat(struct fx *f, int64_t visit_id, const char *role);
void fx_present(struct fx *f, int64_t visit_id, const char *role, bool present);
json_t *fx_order(struct fx *f, const char *login, int64_t order_id);
struct sched_request *fx_step(struct fx *f, const char *login, enum sched_op op,
                              int64_t order_id); /* with the current version */
