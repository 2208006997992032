/* owner.h - the one who decides for a region: holds the lease, takes requests in batches, answers after the commit.
 *
 * Owns    one database connection of its own, in the blocking form; the writer's stream; the sealer.
 * Runs    on one thread, the deciding thread: the loop that carries sockets never waits on SQL (server.c connects the two).
 * Time    `now` is the database's clock, read once per batch; tests shift it with clock_shift_us.
 * Fence   every writing transaction bumps shard_lease under our epoch, which locks the row a successor must change; the epoch
 *         stands in the statements besides. Whoever has lost the lease changes no row.
 * Unknown when the connection dies during COMMIT, the lease row tells whether that batch happened; the answers are the truth.
 * Poison  a statement that fails takes its whole transaction with it: the batch is halved until the bad request is alone.
 */
#pragma once
#include "core/loop.h"
#include "scheduling/request.h"

struct owner;

struct owner_event { /* committed; handed to on_event, who frees it with owner_event_free() */
    uint64_t seq;
    char topic[24];
    int64_t *tenants, *accounts;
    size_t n_tenants, n_accounts;
    uint32_t roles;
    char *json;
};
void owner_event_free(struct owner_event *ev);

struct owner_options {
    const char *conninfo;
    const char *key_path;        /* audit.key; NULL: no sealing (tests) */
    const char *report_key_path; /* report.key; made when absent. NULL: cannot sign reports (tests) */
    int64_t region_id;
    uint16_t node;
    int64_t lease_us; /* how long silence of the owner keeps others out */
    int64_t clock_shift_us;
    int32_t open_orders_max;
    void (*on_event)(void *arg, struct owner_event *ev);           /* on the deciding thread, in order */
    void (*on_owner)(void *arg, int64_t epoch, uint64_t last_seq); /* epoch 0: not the owner any more */
    void *arg;
};

bool owner_new(struct owner **out, const struct owner_options *opt, struct err *err);
void owner_free(struct owner *o);

/** Decide up to OWNER_BATCH requests; afterwards each has its answer, or is `deferred` and wants to be asked again. */
#define OWNER_BATCH 256
void owner_turn(struct owner *o, struct sched_request **req, size_t n);
/** Lease, due orders, seals. Call about once a second and at once at the start. @return true while it is the owner. */
bool owner_tick(struct owner *o);
/** Hand committed events after `seq` to fn, oldest first, and say up to where that was. */
bool owner_replay(struct owner *o, uint64_t after_seq, void (*fn)(void *arg, struct owner_event *ev),
                  void *arg, uint64_t *through, struct err *err);
/** Seats of which signald has not spoken for so long count as left. */
void owner_sweep_presence(struct owner *o, int64_t silence_us);

int64_t owner_epoch(const struct owner *o); /* 0: not the owner */
uint64_t owner_last_seq(const struct owner *o);
/** For tests: shift what the next batches take for now. */
void owner_shift_clock(struct owner *o, int64_t shift_us);
