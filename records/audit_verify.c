#include "records/audit_verify.h"
#include "records/audit_verify.sql.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAGE 2000

static const char *const FAULTS[AUDIT_FAULT_KINDS] = {
    [AUDIT_INTACT] = "intact",
    [AUDIT_ROW_CHANGED] = "row_changed",
    [AUDIT_ROW_MISSING] = "row_missing",
    [AUDIT_TAIL_MISSING] = "tail_missing",
    [AUDIT_SEAL_CHANGED] = "seal_changed",
    [AUDIT_SEAL_MISSING] = "seal_missing",
    [AUDIT_SEAL_FORGED] = "seal_forged",
    [AUDIT_SEALED_ROW_GONE] = "sealed_row_gone",
};

const char *audit_fault_name(enum audit_fault_kind kind)
{
    return FAULTS[kind];
}

/* Where a chain stands while it is walked. */
struct walk {
    struct db_sync *db;
    const uint8_t *key;
    struct audit_report *out;
    int64_t region_id, tenant_id; /* tenant: of seals */
    const char *writer_id;
    int64_t seq; /* last seen */
    int64_t seq_tenant, seq_epoch, seq_id;
    uint8_t head[SHA256_LEN];
};

__attribute__((format(printf, 3, 4))) static void fault(struct walk *w, enum audit_fault_kind kind,
                                                        const char *fmt, ...)
{
    struct audit_report *r = w->out;
    va_list ap;

    r->fault = kind;
    r->region_id = w->region_id;
    r->tenant_id = w->seq_tenant;
    r->seq = w->seq;
    r->epoch = w->seq_epoch;
    r->id = w->seq_id;
    snprintf(r->writer_id, sizeof r->writer_id, "%s", w->writer_id ? w->writer_id : "");
    va_start(ap, fmt);
    vsnprintf(r->what, sizeof r->what, fmt, ap);
    va_end(ap);
}

static bool query(struct walk *w, const struct db_stmt *stmt, bool by_writer, bool paged,
                  struct db_rows *rows, struct err *err)
{
    struct db_args a;

    db_args_init(&a);
    db_arg_i64(&a, w->region_id);
    if (by_writer)
        db_arg_str(&a, w->writer_id);
    else
        db_arg_i64(&a, w->tenant_id);
    if (paged) {
        db_arg_i64(&a, w->seq);
        db_arg_i64(&a, PAGE);
    }
    return db_sync_query(w->db, NULL, stmt, &a, rows, err);
}

static void unhex(const char *text, uint8_t *out, size_t len)
{
    if (!crypto_unhex(text, strlen(text), out, len))
        memset(out, 0,
               len); /* the lengths are CHECKed by the table; anything else simply does not compare equal */
}

static void row_read(const struct db_rows *r, int i, struct audit_row *row)
{
    *row = (struct audit_row){
        .region_id = db_i64(r, i, 0),
        .writer_id = db_str(r, i, 1),
        .epoch = db_i64(r, i, 2),
        .seq = db_i64(r, i, 3),
        .id = db_i64(r, i, 4),
        .tenant_id = db_i64(r, i, 5),
        .actor_tenant_id = db_i64(r, i, 6),
        .account_id = db_i64(r, i, 7),
        .actor_name = db_str(r, i, 8),
        .person_id = db_i64(r, i, 9),
        .subject_kind = db_str(r, i, 10),
        .subject_id = db_i64(r, i, 11),
        .action = db_str(r, i, 12),
        .outcome = db_str(r, i, 13),
        .request_id = db_str(r, i, 14),
        .detail = db_str(r, i, 15),
        .at_us = db_i64(r, i, 16),
    };
    unhex(db_str(r, i, 17), row->prev_hash, SHA256_LEN);
    unhex(db_str(r, i, 18), row->hash, SHA256_LEN);
}

/* The row that follows tells about the one before it: a changed hash shows there. */
static bool row_check(struct walk *w, const struct audit_row *row)
{
    uint8_t hash[SHA256_LEN];

    if (row->seq != w->seq + 1) {
        w->seq_tenant = row->tenant_id;
        w->seq++;
        fault(w, AUDIT_ROW_MISSING, "row %" PRId64 " of writer %s is not there; the next one is %" PRId64,
              w->seq, w->writer_id, row->seq);
        return false;
    }
    if (memcmp(row->prev_hash, w->head, SHA256_LEN) != 0) {
        fault(w, AUDIT_ROW_CHANGED,
              "row %" PRId64 " was chained to another row %" PRId64 " than the one stored", row->seq, w->seq);
        return false;
    }
    w->seq = row->seq;
    w->seq_tenant = row->tenant_id;
    w->seq_epoch = row->epoch;
    w->seq_id = row->id;
    audit_hash(row, hash);
    if (memcmp(row->hash, hash, SHA256_LEN) != 0) {
        fault(w, AUDIT_ROW_CHANGED, "what row %" PRId64 " says does not give its hash", row->seq);
        return false;
    }
    memcpy(w->head, row->hash, SHA256_LEN);
    return true;
}

static bool chain_walk(struct walk *w, struct err *err)
{
    struct db_rows r;
    struct audit_row row;
    int n;

    do {
        if (!query(w, &SQL_audit_page, true, true, &r, err))
            return false;
        n = r.n;
        for (int i = 0; i < r.n && !w->out->fault; i++) {
            row_read(&r, i, &row);
            if (row_check(w, &row))
                w->out->rows++;
        }
        db_rows_free(&r);
    } while (n == PAGE && !w->out->fault);
    return true;
}

static bool chain_check(struct walk *w, int64_t last_seq, const char *head, struct err *err)
{
    uint8_t expected[SHA256_LEN];

    if (!chain_walk(w, err))
        return false;
    if (w->out->fault)
        return true;
    unhex(head, expected, SHA256_LEN);
    if (w->seq != last_seq)
        fault(w, AUDIT_TAIL_MISSING, "writer %s wrote %" PRId64 " rows, %" PRId64 " are there", w->writer_id,
              last_seq, w->seq);
    else if (memcmp(w->head, expected, SHA256_LEN) != 0)
        fault(w, AUDIT_ROW_CHANGED, "row %" PRId64 ", the last of writer %s, is not the one it wrote", w->seq,
              w->writer_id);
    return true;
}

static bool chains_check(struct walk *w, struct err *err)
{
    struct db_args a;
    struct db_rows r;
    bool ok = true;

    db_args_init(&a);
    if (!db_sync_query(w->db, NULL, &SQL_audit_writers, &a, &r, err))
        return false;
    for (int i = 0; ok && i < r.n && !w->out->fault; i++) {
        struct walk one = {
            .db = w->db, .out = w->out, .region_id = db_i64(&r, i, 0), .writer_id = db_str(&r, i, 1)};

        ok = chain_check(&one, db_i64(&r, i, 2), db_str(&r, i, 3), err);
    }
    db_rows_free(&r);
    return ok;
}

static bool seal_check(struct walk *w, const struct db_rows *r, int i)
{
    struct audit_seal seal = {.region_id = db_i64(r, i, 0),
                              .tenant_id = db_i64(r, i, 1),
                              .seq = db_i64(r, i, 2),
                              .at_us = db_i64(r, i, 3),
                              .heads = db_str(r, i, 4)};
    uint8_t hash[SHA256_LEN], pub[32], sig[64];

    unhex(db_str(r, i, 5), seal.prev_hash, SHA256_LEN);
    unhex(db_str(r, i, 6), seal.hash, SHA256_LEN);
    unhex(db_str(r, i, 7), pub, sizeof pub);
    unhex(db_str(r, i, 8), sig, sizeof sig);
    if (seal.seq != w->seq + 1) {
        w->seq++;
        fault(w, AUDIT_SEAL_MISSING, "seal %" PRId64 " is not there; the next one is %" PRId64, w->seq,
              seal.seq);
        return false;
    }
    if (memcmp(seal.prev_hash, w->head, SHA256_LEN) != 0) {
        fault(w, AUDIT_SEAL_CHANGED, "seal %" PRId64 " was chained to another seal than the one stored",
              seal.seq);
        return false;
    }
    w->seq = seal.seq;
    audit_seal_hash(&seal, hash);
    if (memcmp(seal.hash, hash, SHA256_LEN) != 0)
        fault(w, AUDIT_SEAL_CHANGED, "what seal %" PRId64 " says does not give its hash", seal.seq);
    else if ((w->key && memcmp(w->key, pub, sizeof pub) != 0) || !sign_verify(pub, hash, SHA256_LEN, sig))
        fault(w, AUDIT_SEAL_FORGED, "seal %" PRId64 " is not signed by our key", seal.seq);
    memcpy(w->head, seal.hash, SHA256_LEN);
    return !w->out->fault;
}

static bool seals_walk(struct walk *w, struct err *err)
{
    struct db_rows r;
    int n;

    do {
        if (!query(w, &SQL_seal_page, false, true, &r, err))
            return false;
        n = r.n;
        for (int i = 0; i < r.n && seal_check(w, &r, i); i++)
            w->out->seals++;
        db_rows_free(&r);
    } while (n == PAGE && !w->out->fault);
    return true;
}

/* The seals hold; do the rows they speak of still exist? */
static bool heads_check(struct walk *w, struct err *err)
{
    struct db_rows r;

    if (!query(w, &SQL_seal_gone, false, false, &r, err))
        return false;
    if (r.n) {
        w->writer_id = db_str(&r, 0, 1);
        w->seq = db_i64(&r, 0, 2);
        fault(w, AUDIT_SEALED_ROW_GONE,
              "seal %" PRId64 " signs row %" PRId64 " of writer %s, which is gone or another one",
              db_i64(&r, 0, 0), w->seq, w->writer_id);
    }
    db_rows_free(&r);
    if (w->out->fault)
        return true;
    if (!query(w, &SQL_seal_miscounted, false, false, &r, err))
        return false;
    if (r.n) {
        w->writer_id = db_str(&r, 0, 0);
        w->seq = db_i64(&r, 0, 1);
        fault(w, AUDIT_SEALED_ROW_GONE, "%" PRId64 " rows of writer %s were sealed, %" PRId64 " are there",
              db_i64(&r, 0, 2), w->writer_id, db_i64(&r, 0, 3));
    }
    db_rows_free(&r);
    return true;
}

static bool seals_check(struct walk *w, struct err *err)
{
    struct db_args a;
    struct db_rows r;
    bool ok = true;

    db_args_init(&a);
    if (!db_sync_query(w->db, NULL, &SQL_seal_tenants, &a, &r, err))
        return false;
    for (int i = 0; ok && i < r.n && !w->out->fault; i++) {
        struct walk one = {.db = w->db,
                           .key = w->key,
                           .out = w->out,
                           .region_id = db_i64(&r, i, 0),
                           .tenant_id = db_i64(&r, i, 1),
                           .seq_tenant = db_i64(&r, i, 1)};

        ok = seals_walk(&one, err) && (w->out->fault || heads_check(&one, err));
    }
    db_rows_free(&r);
    return ok;
}

bool audit_verify(struct db_sync *db, const uint8_t key[32], struct audit_report *out, struct err *err)
{
    struct walk w = {.db = db, .key = key, .out = out};
    bool ok = false;

    *out = (struct audit_report){0};
    /* One snapshot, so that a running house does not look like a tampered one. */
    if (!db_sync_exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err))
        return false;
    ok = chains_check(&w, err) && (out->fault || seals_check(&w, err));
    if (!db_sync_exec(db, ok ? "COMMIT" : "ROLLBACK", ok ? err : NULL))
        ok = false;
    return ok;
}
