/* Row security of exams, studies and reports with the real roles: who asks sees what is his, whichever daemon asks for him. */
#include "tests/unit/scheduling/read_fx.h"
#include <stdio.h>
#include <string.h>

static struct db_scope as(int64_t tenant, int64_t account)
{
    return (struct db_scope){.region_id = 150000, .tenant_id = tenant, .actor_id = account};
}

static int64_t asked(struct fx *f, const char *role, struct db_scope scope, const char *sql, struct err *err)
{
    struct db_stmt stmt = {.name = "asked", .text = sql, .params = 0};
    struct db_rows rows = {0};
    struct db_sync *s = NULL;
    char conninfo[256];
    const char *user = strstr(f->sched, "user=");
    int64_t n = -1;

    snprintf(conninfo, sizeof conninfo, "%.*suser=%s%s", (int)(user - f->sched), f->sched, role,
             strchr(user, ' '));
    CHECK_OK(db_sync_open(&s, conninfo, err), err);
    if (db_sync_query(s, &scope, &stmt, NULL, &rows, err))
        n = rows.n ? db_i64(&rows, 0, 0) : rows.affected;
    db_rows_free(&rows);
    db_sync_close(s);
    return n;
}

/* The same for both daemons that ask as a caller. */
static void sees(struct fx *f, struct db_scope scope, const char *what, int64_t n)
{
    static const char *const ROLES[] = {"yz_signald", "yz_dicomd"};

    for (size_t i = 0; i < 2; i++) {
        struct err err = ERR_INIT;
        char sql[200];

        snprintf(sql, sizeof sql, "SELECT count(*) FROM records.%s", what);
        if (asked(f, ROLES[i], scope, sql, &err) != n)
            print_error("%s, tenant %lld, account %lld: %s\n", ROLES[i], (long long)scope.tenant_id,
                        (long long)scope.actor_id, what);
        CHECK_INT(asked(f, ROLES[i], scope, sql, &err), n);
        CHECK_OK(!err.code, &err);
    }
}

#define DESK      as(21, 315)
#define TOWNSHIP  as(21, 314)
#define PATIENT   as(21, 302)
#define DOCTOR    as(31, 311)
#define READER    as(32, 316)
#define COLLEAGUE as(32, 313) /* of the reader's hospital */
#define STRANGERS 6
static const struct db_scope STRANGER[STRANGERS] = {
    {150000, 21, 303},                    /* another patient */
    {150000, 32, 313},                    /* a doctor of the reader's hospital */
    {150000, 31, 312},                    /* a colleague of the visit's doctor, */
    {150000, 31, 323},                    /* and a reader of that house who did not claim it */
    {150000, 22, 305}, {110000, 21, 315}, /* another region */
};

static void only_strangers_see_nothing(struct fx *f)
{
    for (size_t i = 0; i < STRANGERS; i++) {
        sees(f, STRANGER[i], "exams", 0);
        sees(f, STRANGER[i], "studies", 0);
        sees(f, STRANGER[i], "reports", 0);
    }
}

TEST(reading_security, a_claim_opens_the_pictures_to_the_reader_and_not_to_his_hospital)
{
    struct fx *f = fx_open(t);
    int64_t exam = fx_pooled_exam(f, "CT", "normal");
    const struct db_scope parties[] = {DESK, TOWNSHIP, PATIENT, DOCTOR};

    for (size_t i = 0; i < sizeof parties / sizeof *parties; i++) {
        sees(f, parties[i], "exams", 1);
        sees(f, parties[i], "studies", 1);
    }
    only_strangers_see_nothing(f);
    sees(f, READER, "exams", 0);
    sees(f, READER, "studies", 0);
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    sees(f, READER, "exams", 1);
    sees(f, READER, "studies", 1);
    sees(f, READER, "persons", 1);
    sees(f, COLLEAGUE, "persons", 0);
    only_strangers_see_nothing(f);
    fx_did_read(f, "reader1", SCHED_OP_EXAM_RELEASE, exam, ",'reason':'x'");
    sees(f, READER, "studies", 0);
    sees(f, READER, "persons", 0);
}

TEST(reading_security, priors_are_open_while_he_reads_and_his_own_report_afterwards)
{
    struct fx *f = fx_open(t);
    int64_t before = fx_pooled_exam(f, "CT", "normal"), exam = fx_pooled_exam(f, "CT", "normal");

    fx_did_read(f, "reader2", SCHED_OP_EXAM_CLAIM, before, "");
    fx_did_read(f, "reader2", SCHED_OP_EXAM_DRAFT, before,
                ",'draft_version':0,'findings':'a','impression':'b'");
    fx_did_read(f, "reader2", SCHED_OP_EXAM_SIGN, before, ",'draft_version':1");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    sees(f, READER, "studies", 2);
    sees(f, READER, "reports", 1);
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'a','impression':'b'");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':1");
    sees(f, READER, "studies", 1);
    sees(f, READER, "reports", 1);
    sees(f, PATIENT, "reports", 2);
    sees(f, DESK, "reports", 2);
    sees(f, DOCTOR, "reports", 2);
}

TEST(reading_security, what_is_nobodys_yet_is_the_senders_desk_alone)
{
    struct fx *f = fx_open(t);
    struct err err = ERR_INIT;
    static const char INSERT[] =
        "INSERT INTO records.studies (region_id, id, tenant_id, study_uid, first_at, last_at) VALUES"
        " (150000, 9, 21, '1.2', now(), now())";

    CHECK_INT(asked(f, "yz_dicomd", as(31, 0), INSERT, &err),
              -1); /* for another house than the one it works for */
    CHECK_STR(err.reason, "database_denied");
    err_clear(&err);
    CHECK_INT(asked(f, "yz_dicomd", as(21, 0), INSERT, &err), 1);
    CHECK_OK(!err.code, &err);
    sees(f, DESK, "studies", 1);
    sees(f, TOWNSHIP, "studies", 1);
    sees(f, as(21, 0), "studies", 1);
    sees(f, PATIENT, "studies", 0);
    only_strangers_see_nothing(f);
    CHECK_INT(asked(f, "yz_dicomd", as(22, 0),
                    "UPDATE records.studies SET state = 'complete', complete_at = now()", &err),
              0);
    CHECK_INT(asked(f, "yz_dicomd", as(21, 0),
                    "UPDATE records.studies SET state = 'complete', complete_at = now()", &err),
              1);
}

TEST(reading_security, a_worklist_names_whoever_is_to_be_examined)
{
    struct fx *f = fx_open(t);
    struct err err = ERR_INIT;
    int64_t visit = fx_visit(f);

    fx_exam(f, visit, "CT", "normal");
    fx_sql(f, "UPDATE records.persons SET tenant_id = 11 WHERE id = 102"); /* another house registered him */
    CHECK_INT(asked(f, "yz_dicomd", as(21, 0),
                    "SELECT count(*) FROM records.exams e JOIN records.persons p ON p.region_id = e.region_id"
                    " AND p.id = e.person_id AND p.name <> ''",
                    &err),
              1);
    CHECK_OK(!err.code, &err);
}
