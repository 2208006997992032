/* Row security with the real roles: who asks sees what is his, a stranger sees nothing, of any table. */
#include "tests/unit/scheduling/sched_fx.h"
#include <stdio.h>
#include <string.h>

static int64_t rows_as(struct fx *f, const char *conninfo, struct db_scope scope, const char *from)
{
    char sql[512];
    struct db_stmt stmt = {.name = "count", .text = sql, .params = 0};
    struct db_rows rows;
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;
    int64_t n;

    (void)f;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", from);
    CHECK_OK(db_sync_open(&s, conninfo, &err), &err);
    bool ok = db_sync_query(s, &scope, &stmt, NULL, &rows, &err);
    n = ok ? db_i64(&rows, 0, 0) : -1;
    db_rows_free(&rows);
    db_sync_close(s);
    CHECK_OK(ok, &err);
    return n;
}

#define TENANT(t, a) ((struct db_scope){.region_id = 150000, .tenant_id = (t), .actor_id = (a)})

/* A live assisted visit of patient2 (tenant 21) with doctor1 (tenant 31), with a note, consents, events and audit rows. */
static int64_t live_visit(struct fx *f)
{
    int64_t order, visit;

    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    fx_claim(f, "doctor1", order);
    visit = fx_count(f, "SELECT visit_id FROM scheduling.orders WHERE id = %lld", (long long)order);
    fx_present(f, visit, "doctor", true);
    fx_present(f, visit, "township_doctor", true);
    fx_consents(f, visit, "service,sensitive_data,record_sharing");
    fx_step(f, "doctor1", SCHED_OP_ORDER_ADMIT, order);
    fx_get(
        f, "doctor1", SCHED_OP_ORDER_NOTE,
        "{'order_id':'%lld','version':%lld,'diagnosis':{'code':'R07','text':'胸痛'},'text':'x','advice':'y'}",
        (long long)order,
        (long long)fx_count(f, "SELECT version FROM scheduling.orders WHERE id = %lld", (long long)order));
    fx_sql(
        f,
        "INSERT INTO records.recordings (region_id, visit_id, id, tenant_id, state, dir, started_at) VALUES"
        " (150000, %lld, 1, 21, 'recording', '150000/x', now())",
        (long long)visit);
    owner_tick(f->o);
    return visit;
}

/* What stands in the demo for whom nothing was done: staff of another hospital and region-wide tables are not persons' rows. */
static const char *const VISIT_TABLES[] = {"records.visits", "records.visit_seats", "records.visit_notes",
                                           "records.consents", "records.recordings"};

TEST(row_security, a_foreign_tenant_sees_no_row_of_a_visit_in_any_table)
{
    struct fx *f = fx_open(t);

    live_visit(f);
    for (size_t i = 0; i < sizeof VISIT_TABLES / sizeof *VISIT_TABLES; i++) {
        CHECK_INT(rows_as(f, f->signal, TENANT(32, 313), VISIT_TABLES[i]), 0); /* doctor3's hospital */
        CHECK_INT(rows_as(f, f->signal, TENANT(22, 305), VISIT_TABLES[i]), 0); /* another patient */
        CHECK(rows_as(f, f->signal, TENANT(21, 314), VISIT_TABLES[i]) > 0);    /* the inviting side */
        CHECK(rows_as(f, f->signal, TENANT(31, 311), VISIT_TABLES[i]) > 0);    /* the claimant, by grant */
        CHECK(rows_as(f, f->signal, TENANT(21, 302), VISIT_TABLES[i]) > 0);    /* the patient */
    }
}

TEST(row_security, every_table_with_a_tenant_is_empty_for_a_tenant_without_rows)
{
    struct fx *f = fx_open(t);
    static const char *const OPEN[] = {"records.organisations",
                                       "records.consent_texts"}; /* the region's notice boards */
    struct db_rows tables;
    struct db_stmt stmt = {
        .name = "t",
        .text = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = 'records' AND c.relkind = 'r'"
                " AND has_table_privilege('yz_signald', c.oid, 'SELECT')",
        .params = 0};
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;
    int looked = 0;

    live_visit(f);
    CHECK_OK(db_sync_open(&s, f->super, &err), &err);
    CHECK_OK(db_sync_query(s, NULL, &stmt, NULL, &tables, &err), &err);
    for (int i = 0; i < tables.n; i++) {
        const char *table = db_str(&tables, i, 0);

        if (!strcmp(table, OPEN[0]) || !strcmp(table, OPEN[1]) || !strcmp(table, "records.regions"))
            continue;
        CHECK_INT(rows_as(f, f->signal, TENANT(33, 0), table), 0); /* a hospital without rows */
        CHECK_INT(rows_as(f, f->signal, (struct db_scope){.region_id = 150000}, table), 0); /* nobody */
        CHECK_INT(rows_as(f, f->signal, (struct db_scope){.region_id = 110000, .tenant_id = 21}, table),
                  0); /* another region */
        looked++;
    }
    db_rows_free(&tables);
    db_sync_close(s);
    CHECK(looked >= 10);
}

TEST(row_security, an_account_that_claims_another_tenant_sees_nothing_of_it)
{
    struct fx *f = fx_open(t);

    CHECK_INT(rows_as(f, f->signal, TENANT(21, 311), "records.persons"), 0); /* doctor1 is not of tenant 21 */
    CHECK_INT(rows_as(f, f->signal, TENANT(21, 302), "records.persons"),
              1); /* a patient sees himself, not the register */
    CHECK_INT(rows_as(f, f->signal, TENANT(21, 314), "records.persons"),
              4); /* the register of the township */
    CHECK_INT(rows_as(f, f->signal, TENANT(21, 302), "(SELECT id FROM records.accounts) a"), 1);
}

TEST(row_security, a_grant_ends_with_the_claim_that_gave_it)
{
    struct fx *f = fx_open(t);
    int64_t order;

    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    CHECK_INT(rows_as(f, f->signal, TENANT(31, 311), "records.persons"), 0);
    fx_claim(f, "doctor1", order);
    CHECK_INT(rows_as(f, f->signal, TENANT(31, 311), "records.persons"), 1);
    CHECK_INT(rows_as(f, f->signal, TENANT(31, 311), "records.visits"), 1);
    fx_step(f, "township_doctor1", SCHED_OP_ORDER_CANCEL, order);
    CHECK_INT(rows_as(f, f->signal, TENANT(31, 311), "records.persons"), 0);
    CHECK_INT(rows_as(f, f->signal, TENANT(31, 311), "records.visits"), 0);
}

TEST(row_security, the_owner_daemon_sees_its_region_and_no_other)
{
    struct fx *f = fx_open(t);
    static const char *const TABLES[] = {"scheduling.orders",
                                         "scheduling.clinics",
                                         "scheduling.offers",
                                         "scheduling.duty",
                                         "scheduling.claim_log",
                                         "scheduling.slots",
                                         "(SELECT id FROM records.persons) p",
                                         "records.visits",
                                         "records.audit",
                                         "records.events"};

    live_visit(f);
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        CHECK(rows_as(f, f->sched, (struct db_scope){.region_id = 150000}, TABLES[i]) > 0);
        CHECK_INT(rows_as(f, f->sched, (struct db_scope){.region_id = 110000}, TABLES[i]), 0);
    }
}

static void denied(const char *conninfo, struct db_scope scope, const char *sql)
{
    struct db_stmt stmt = {.name = "denied", .text = sql, .params = 0};
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;

    CHECK_OK(db_sync_open(&s, conninfo, &err), &err);
    bool ok = db_sync_query(s, &scope, &stmt, NULL, NULL, &err);
    db_sync_close(s);
    CHECK_ERR(ok, &err, ERR_DENIED, NULL);
}

TEST(row_security, what_is_append_only_is_so_for_every_daemon)
{
    struct fx *f = fx_open(t);
    struct db_scope scope = TENANT(31, 0);
    char sql[256];
    static const char *const TABLES[] = {"records.audit", "records.events", "records.consents",
                                         "records.visit_notes", "records.audit_seals"};

    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        snprintf(sql, sizeof sql, "UPDATE %s SET tenant_id = 1", TABLES[i]);
        denied(f->sched, scope, sql);
        denied(f->signal, scope, sql);
        snprintf(sql, sizeof sql, "DELETE FROM %s", TABLES[i]);
        denied(f->sched, scope, sql);
        denied(f->signal, scope, sql);
        denied(f->audit, scope, sql);
    }
    denied(f->sched, scope, "UPDATE scheduling.claim_log SET result = 'won'");
    denied(f->signal, scope, "SELECT password_hash FROM records.accounts");
    denied(f->signal, scope, "SELECT * FROM scheduling.orders");
}

TEST(row_security, a_daemon_writes_only_its_own_stream)
{
    struct fx *f = fx_open(t);
    const char *insert =
        "INSERT INTO records.writers (region_id, writer_id, epoch, audit_head) VALUES (150000, '%s', 1,"
        " decode(repeat('00', 32), 'hex'))";
    char sql[256];

    snprintf(sql, sizeof sql, insert, "signal-9");
    denied(f->sched, TENANT(0, 0), sql);
    snprintf(sql, sizeof sql, insert, "sched2");
    denied(f->signal, TENANT(0, 0), sql);
}

/* Bookings change visits seen by others; the consent's text is what was shown. */
TEST(row_security, a_consent_is_given_by_the_one_who_asks_and_for_a_visit_he_sees)
{
    struct fx *f = fx_open(t);
    int64_t visit = live_visit(f);
    char sql[1024];
    const char *insert = "INSERT INTO records.consents (region_id, visit_id, id, tenant_id, person_id, kind, "
                         "version, locale, text_hash, granted,"
                         " account_id, at) SELECT 150000, %lld, %d, 21, 102, kind, 1, locale, text_hash, "
                         "true, %d, now() FROM records.consent_texts"
                         " WHERE kind = 'recording' AND locale = 'en'";
    struct db_sync *s = NULL;
    struct err err = ERR_INIT;
    struct db_scope patient = TENANT(21, 302);

    snprintf(sql, sizeof sql, insert, (long long)visit, 1, 303);
    denied(f->signal, TENANT(21, 302), sql); /* in another's name */
    snprintf(sql, sizeof sql, insert, (long long)visit, 2, 313);
    denied(f->signal, TENANT(32, 313), sql); /* for a visit one does not see */
    snprintf(sql, sizeof sql, insert, (long long)visit, 3, 302);
    struct db_stmt stmt = {.name = "give", .text = sql, .params = 0};
    CHECK_OK(db_sync_open(&s, f->signal, &err), &err);
    bool ok = db_sync_query(s, &patient, &stmt, NULL, NULL, &err);
    db_sync_close(s);
    CHECK_OK(ok, &err);
}

TEST(row_security, a_colleague_who_does_not_take_part_sees_no_row_of_a_visit)
{
    struct fx *f = fx_open(t);

    live_visit(f);
    for (size_t i = 0; i < sizeof VISIT_TABLES / sizeof *VISIT_TABLES; i++) {
        CHECK_INT(rows_as(f, f->signal, TENANT(31, 312), VISIT_TABLES[i]),
                  0); /* doctor2, of the same hospital */
        CHECK_INT(rows_as(f, f->signal, TENANT(31, 317), VISIT_TABLES[i]), 0); /* its office */
        CHECK_INT(rows_as(f, f->signal, TENANT(31, 319), VISIT_TABLES[i]), 0); /* its accounting desk */
        CHECK(rows_as(f, f->signal, TENANT(21, 315), VISIT_TABLES[i]) > 0);    /* the inviting house's desk */
        CHECK(rows_as(f, f->signal, TENANT(31, 0), VISIT_TABLES[i]) > 0);      /* the daemon's own work */
    }
    fx_sql(f, "UPDATE records.visit_seats SET removed_at = now(), present = false, admitted = false WHERE "
              "account_id = 311");
    for (size_t i = 0; i < sizeof VISIT_TABLES / sizeof *VISIT_TABLES; i++)
        CHECK_INT(rows_as(f, f->signal, TENANT(31, 311), VISIT_TABLES[i]), 0); /* his seat was taken away */
}
