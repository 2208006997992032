/* stream.h - a writer's two lines in the database: events for whoever is connected, audit rows for ever.
 *
 * Rows ride in the transaction of their cause: append while deciding, write once before COMMIT (one statement for all of
 * them), then tell the stream how the transaction ended. Numbers have no gaps: a gap seen later is a lost or deleted row.
 * Owns    copies of what was appended until the transaction's end. One struct belongs to one thread and one transaction
 *         at a time. A daemon that runs several transactions at once uses one struct in each and begins it with
 *         SQL_stream_lock, which makes them take turns on the writer's row.
 * Fence   the writing statement names epoch and the last numbers; another life of the writer makes it change no row:
 *         stream_written() says ERR_STALE "writer_fenced" and the transaction must roll back.
 */
#pragma once
#include <stdint.h>
#include "core/db/db.h"
#include "core/ids.h"
#include "core/json.h"
#include "records/audit.h"
#include "records/stream.sql.h"

struct stream_event {
    uint64_t seq; /* set by stream_event() */
    const char *topic;
    int64_t tenant_id; /* owner of the subject */
    int64_t subject_id;
    const int64_t *to_tenants, *to_accounts;
    size_t n_tenants, n_accounts;
    uint32_t to_roles; /* of to_tenants; 0: every role */
    const json_t *data;
};

struct stream_mark { /* where the lines stand */
    int64_t event_seq, audit_seq;
    uint8_t audit_head[SHA256_LEN];
};

struct stream {
    int64_t region_id, epoch;
    char writer_id[32];
    struct ids *ids; /* lent; row ids of audit rows */
    struct stream_mark done, next;
    json_t *events, *audit; /* rows waiting for stream_write_args() */
};

/** @param ids borrowed for the life of the stream */
void stream_init(struct stream *s, int64_t region_id, const char *writer_id, struct ids *ids);
void stream_reset(struct stream *s); /* frees what was appended; the struct may be initialised again */

/* Taking the name: run SQL_stream_open (args: region, writer, epoch or 0 for "one more than the last life"), then: */
void stream_open_args(struct db_args *a, const struct stream *s, int64_t epoch);
/** Rows of SQL_stream_open or SQL_stream_lock. ERR_STALE "writer_fenced" when the name has passed to a later epoch. */
bool stream_opened(struct stream *s, const struct db_rows *rows, struct err *err);
void stream_lock_args(struct db_args *a, const struct stream *s);

/** Append; ev->seq gets its number. */
void stream_event(struct stream *s, struct stream_event *ev, int64_t now_us);
/** Append; region, writer, epoch, seq, id, at and hashes are set here. */
void stream_audit(struct stream *s, struct audit_row *row, int64_t now_us);

bool stream_has_rows(const struct stream *s);
/** Arguments of SQL_stream_write: everything appended. */
void stream_write_args(struct db_args *a, const struct stream *s);
bool stream_written(const struct db_rows *rows, struct err *err);
void stream_committed(struct stream *s);
void stream_rolled_back(struct stream *s);
