/* The trail on a real database: written, sealed, and tampered with in every way we can think of. */
#include "core/clock.h"
#include "records/audit_verify.h"
#include "records/seal.h"
#include "records/stream.h"
#include "tests/unit/pg_fixture.h"
#include <stdio.h>
#include <string.h>

#define REGION 150000
#define NOON   (INT64_C(1795233600) * US_PER_S)

struct trail {
    struct test *t;
    const char *super;
    struct db_sync *sched, *audit;
    struct ids ids;
    struct stream stream;
    struct sign_key *key;
    struct seal *seal;
    uint8_t pub[32];
};

static void close_trail(void *arg)
{
    struct trail *x = arg;

    db_sync_close(x->sched);
    db_sync_close(x->audit);
    stream_reset(&x->stream);
    seal_free(x->seal);
    sign_key_free(x->key);
}

static void role(char *out, size_t cap, const char *conninfo, const char *name)
{
    const char *user = strstr(conninfo, "user="), *rest = strchr(user, ' ');

    snprintf(out, cap, "%.*suser=%s%s", (int)(user - conninfo), conninfo, name, rest);
}

static void trail_open(struct trail *x, struct test *t)
{
    struct err err = ERR_INIT;
    struct db_scope scope = {.region_id = REGION};
    struct db_args a;
    struct db_rows rows;
    char conninfo[256];

    *x = (struct trail){.t = t, .super = pg_new_migrated(PG_SUPERUSER)};
    test_cleanup(t, close_trail, x);
    role(conninfo, sizeof conninfo, x->super, "yz_schedulerd");
    CHECK_OK(db_sync_open(&x->sched, conninfo, &err), &err);
    role(conninfo, sizeof conninfo, x->super, "yz_audit_ro");
    CHECK_OK(db_sync_open(&x->audit, conninfo, &err), &err);
    ids_init(&x->ids, 1);
    stream_init(&x->stream, REGION, "sched", &x->ids);
    stream_open_args(&a, &x->stream, 3);
    CHECK_OK(db_sync_query(x->sched, &scope, &SQL_stream_open, &a, &rows, &err), &err);
    CHECK_OK(stream_opened(&x->stream, &rows, &err), &err);
    db_rows_free(&rows);
    CHECK_OK(sign_key_load(&x->key, test_path(t, test_dir(t), "audit.key"), true, &err), &err);
    sign_key_public(x->key, x->pub);
    seal_new(&x->seal, REGION, x->key);
}

static void add_row(struct trail *x, int64_t tenant, const char *action)
{
    struct audit_row row = {.tenant_id = tenant,
                            .actor_tenant_id = tenant,
                            .account_id = 301,
                            .actor_name = "",
                            .person_id = 101,
                            .subject_kind = "order",
                            .subject_id = 9,
                            .action = action,
                            .outcome = "ok",
                            .request_id = "r1",
                            .detail = "{\"note\":\"中文 \\\" text\"}"};

    stream_audit(&x->stream, &row, NOON);
}

/* One transaction: n rows of each of two tenants, and a seal over what is there. */
static void write_rows(struct trail *x, int n, bool seal)
{
    struct err err = ERR_INIT;
    struct db_scope scope = {.region_id = REGION};
    struct db_args a;
    struct db_rows rows;
    unsigned sealed = 0;

    for (int i = 0; i < n; i++) {
        add_row(x, 11, "order.create");
        add_row(x, 12, "order.claim");
    }
    CHECK_OK(db_sync_exec(x->sched, "BEGIN", &err), &err);
    stream_write_args(&a, &x->stream);
    CHECK_OK(db_sync_query(x->sched, &scope, &SQL_stream_write, &a, &rows, &err), &err);
    CHECK_OK(stream_written(&rows, &err), &err);
    db_rows_free(&rows);
    if (seal)
        CHECK_OK(seal_run(x->seal, x->sched, NOON, &sealed, &err), &err);
    CHECK_OK(db_sync_exec(x->sched, "COMMIT", &err), &err);
    stream_committed(&x->stream);
    if (seal) {
        seal_committed(x->seal);
        CHECK_INT(sealed, n ? 2 : 0);
    }
}

static struct audit_report verify(struct trail *x)
{
    struct audit_report report;
    struct err err = ERR_INIT;

    CHECK_OK(audit_verify(x->audit, x->pub, &report, &err), &err);
    return report;
}

static void is_fault(struct audit_report r, enum audit_fault_kind kind, const char *writer, int64_t seq,
                     int64_t tenant)
{
    CHECK_STR(audit_fault_name(r.fault), audit_fault_name(kind));
    CHECK_STR(r.writer_id, writer);
    CHECK_INT(r.seq, seq);
    CHECK_INT(r.tenant_id, tenant);
    CHECK(r.what[0]);
}

/* Ten rows and three seals of each of two tenants, then the hand of somebody with the whole database. */
static struct audit_report after(struct trail *x, struct test *t, const char *tampering)
{
    trail_open(x, t);
    write_rows(x, 2, true);
    write_rows(x, 2, true);
    write_rows(x, 1, true);
    CHECK_INT(verify(x).fault, AUDIT_INTACT);
    if (tampering)
        pg_sql_at(x->super, tampering);
    return verify(x);
}

TEST(audit, an_untouched_trail_is_intact_and_counted)
{
    static struct trail x; /* cleaned up after the test */
    struct audit_report r = after(&x, t, NULL);

    CHECK_INT(r.fault, AUDIT_INTACT);
    CHECK_INT(r.rows, 10);
    CHECK_INT(r.seals, 6);
}

TEST(audit, an_edited_row_is_named)
{
    static struct trail x; /* cleaned up after the test */

    is_fault(after(&x, t, "UPDATE records.audit SET outcome = 'lost' WHERE seq = 4"), AUDIT_ROW_CHANGED,
             "sched", 4, 12);
}

TEST(audit, an_edited_detail_is_named_even_if_it_means_the_same)
{
    static struct trail x; /* cleaned up after the test */

    is_fault(after(&x, t, "UPDATE records.audit SET detail = '{ \"note\":\"中文 \\\" text\"}' WHERE seq = 7"),
             AUDIT_ROW_CHANGED, "sched", 7, 11);
}

TEST(audit, a_row_given_to_another_tenant_is_named)
{
    static struct trail x; /* cleaned up after the test */

    is_fault(after(&x, t, "UPDATE records.audit SET tenant_id = 99 WHERE seq = 2"), AUDIT_ROW_CHANGED,
             "sched", 2, 99);
}

TEST(audit, a_row_edited_with_its_hash_breaks_the_link)
{
    static struct trail x; /* cleaned up after the test */

    is_fault(after(&x, t, "UPDATE records.audit SET outcome = 'x', hash = sha256('x') WHERE seq = 3"),
             AUDIT_ROW_CHANGED, "sched", 3, 11);
}

TEST(audit, a_deleted_row_is_missing)
{
    static struct trail x; /* cleaned up after the test */
    struct audit_report r = after(&x, t, "DELETE FROM records.audit WHERE seq = 5");

    CHECK_STR(audit_fault_name(r.fault), "row_missing");
    CHECK_INT(r.seq, 5);
}

TEST(audit, a_deleted_tail_is_missed_by_its_writer)
{
    static struct trail x; /* cleaned up after the test */
    struct audit_report r = after(&x, t, "DELETE FROM records.audit WHERE seq > 8");

    CHECK_STR(audit_fault_name(r.fault), "tail_missing");
    CHECK_INT(r.seq, 8);
}

TEST(audit, a_tail_deleted_with_the_writers_memory_of_it_is_missed_by_the_seal)
{
    static struct trail x; /* cleaned up after the test */

    is_fault(after(&x, t,
                   "DELETE FROM records.audit WHERE seq > 8; UPDATE records.writers SET audit_seq = 8,"
                   " audit_head = (SELECT hash FROM records.audit WHERE seq = 8)"),
             AUDIT_SEALED_ROW_GONE, "sched", 9, 11);
}

TEST(audit, a_forgotten_writer_is_a_missing_tail)
{
    static struct trail x; /* cleaned up after the test */

    CHECK_STR(audit_fault_name(after(&x, t, "DELETE FROM records.writers").fault), "tail_missing");
}

TEST(audit, an_edited_seal_is_named)
{
    static struct trail x; /* cleaned up after the test */

    is_fault(
        after(
            &x, t,
            "UPDATE records.audit_seals SET at = at + interval '1 second' WHERE tenant_id = 12 AND seq = 2"),
        AUDIT_SEAL_CHANGED, "", 2, 12);
}

TEST(audit, a_removed_seal_is_missing)
{
    static struct trail x; /* cleaned up after the test */

    is_fault(after(&x, t, "DELETE FROM records.audit_seals WHERE tenant_id = 11 AND seq = 2"),
             AUDIT_SEAL_MISSING, "", 2, 11);
}

/* Whoever rewrites everything still lacks the key. */
TEST(audit, a_trail_rewritten_and_sealed_with_another_key_is_forged)
{
    static struct trail x; /* cleaned up after the test */
    struct err err = ERR_INIT;
    struct sign_key *own = NULL;
    uint8_t pub[32];
    struct audit_report report;

    after(&x, t, NULL);
    CHECK_OK(sign_key_load(&own, test_path(t, test_dir(t), "other.key"), true, &err), &err);
    sign_key_public(own, pub);
    sign_key_free(own);
    CHECK_OK(audit_verify(x.audit, pub, &report, &err), &err);
    is_fault(report, AUDIT_SEAL_FORGED, "", 1, 11);
}

TEST(audit, a_sealer_that_starts_anew_goes_on_where_the_last_one_stopped)
{
    static struct trail x; /* cleaned up after the test */
    struct audit_report r;

    after(&x, t, NULL);
    seal_free(x.seal);
    seal_new(&x.seal, REGION, x.key);
    write_rows(&x, 1, true);
    write_rows(&x, 0, true);
    r = verify(&x);
    CHECK_INT(r.fault, AUDIT_INTACT);
    CHECK_INT(r.rows, 12);
    CHECK_INT(r.seals, 8);
}

TEST(stream, an_older_life_of_a_writer_can_write_nothing)
{
    static struct trail x; /* cleaned up after the test */
    struct stream newer;
    struct err err = ERR_INIT;
    struct db_scope scope = {.region_id = REGION};
    struct db_args a;
    struct db_rows rows;

    trail_open(&x, t);
    write_rows(&x, 1, false);
    stream_init(&newer, REGION, "sched", &x.ids);
    stream_open_args(&a, &newer, 4);
    CHECK_OK(db_sync_query(x.sched, &scope, &SQL_stream_open, &a, &rows, &err), &err);
    CHECK_OK(stream_opened(&newer, &rows, &err), &err);
    CHECK_INT(newer.done.audit_seq, 2); /* goes on with the numbers */
    db_rows_free(&rows);
    stream_reset(&newer);

    add_row(&x, 11, "late");
    stream_write_args(&a, &x.stream);
    CHECK_OK(db_sync_query(x.sched, &scope, &SQL_stream_write, &a, &rows, &err), &err);
    CHECK_ERR(stream_written(&rows, &err), &err, ERR_STALE, "writer_fenced");
    db_rows_free(&rows);
    stream_open_args(&a, &x.stream, 4); /* the same epoch twice is nobody's */
    CHECK_OK(db_sync_query(x.sched, &scope, &SQL_stream_open, &a, &rows, &err), &err);
    CHECK_ERR(stream_opened(&x.stream, &rows, &err), &err, ERR_STALE, "writer_fenced");
    db_rows_free(&rows);
}

TEST(stream, a_rolled_back_transaction_gives_its_numbers_back)
{
    static struct trail x; /* cleaned up after the test */

    trail_open(&x, t);
    add_row(&x, 11, "never");
    stream_rolled_back(&x.stream);
    write_rows(&x, 1, false);
    CHECK_INT(x.stream.done.audit_seq, 2);
    CHECK_INT(verify(&x).fault, AUDIT_INTACT);
}
