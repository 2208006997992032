/* visit.h - the visits somebody has open: who has a seat, who sits in it, what each may do.
 *
 * Owns    a copy of records.visits and records.visit_seats for every visit in use, read again after each event
 *         that names it, and beside it what only this process knows: which window fills a seat, who is muted.
 *         Facts (state, seats) are the database's; presence is ours, and is reported to the scheduler.
 * Away    with the database away a visit that is here is served from here.
 * Runs on the service loop only.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/err.h"
#include "media/protocol.h"
#include "records/age.h"
#include "signaling/seat.h"

struct identity;
struct room;
struct socket_text;
struct signald;
struct visits;

struct visit {
    struct signald *app;
    int64_t region_id, id, tenant_id, order_id, person_id;
    char room_id[MEDIA_ROOM_MAX];
    char state[24], channel[16], kind[16], clinic[128];
    int64_t clinic_id;
    char patient_name[128], patient_age_band[AGE_BAND_TEXT], patient_sex[12];
    int64_t starts_at_us, live_at_us, ended_at_us;
    bool may_record; /* consent to recording holds */
    bool recording;  /* the worker says it runs */
    struct seat *seats;
    struct socket_text *view; /* the newest shared one, as it is told; NULL: none. coview.c */
    struct room *room;        /* media; NULL until the first offer */
    int64_t unused_since_us;  /* monotonic; 0 while somebody is present */
    /* private to visit.c */
    int loading;
    bool reload;
    struct visit *next;
};

struct visits *visits_new(struct signald *app);
void visits_free(struct visits *v);
struct visit *visit_by_id(struct visits *v, int64_t visit_id); /* NULL when it is not here */
struct visit *visit_by_room(struct visits *v, const char *room_id);
void visits_each(struct visits *v, void (*fn)(void *arg, struct visit *visit), void *arg);

/** Look at a visit as this caller: ERR_NOT_FOUND when it is not theirs (or does not exist, the same), ERR_AGAIN
 * when the database is away and the visit is not here, or the caller has no seat in it. The visit is lent. */
typedef void visit_fn(void *arg, struct visit *visit, const struct err *err);
void visit_look(struct visits *v, const struct identity *who, int64_t visit_id, visit_fn *fn, void *arg);
/** Read it again, if it is here: something about it changed. */
void visit_refresh(struct visits *v, int64_t visit_id);

struct seat *visit_seat_of(const struct visit *visit, int64_t account_id);
struct seat *visit_seat(const struct visit *visit, int64_t seat_id);
/** The seat of a media peer, by its name "s<seat>-…"; NULL for machines. */
struct seat *visit_seat_of_peer(const struct visit *visit, const char *peer);

bool visit_is_over(const struct visit *visit);

/** The API's Visit as account_id sees it. */
json_t *visit_doc(const struct visit *visit, int64_t account_id);
/** Tell every window of the visit how it stands now. */
void visit_tell(const struct visit *visit);
/** Any message to every window of the visit; doc is borrowed. */
void visit_send(const struct visit *visit, const json_t *doc);
/** The scheduler is new: say again who is present. */
void visits_report_all(struct visits *v);
