#include "tests/unit/scheduling/read_fx.h"
#include "core/clock.h"

int64_t fx_visit(struct fx *f)
{
    int64_t order;

    fx_on_duty(f, "doctor1");
    order = fx_assist(f, 102);
    CHECK(!fx_claim(f, "doctor1", order)->answer.err.code);
    return fx_count(f, "SELECT visit_id FROM scheduling.orders WHERE id = %lld", (long long)order);
}

int64_t fx_exam(struct fx *f, int64_t visit_id, const char *modality, const char *urgency)
{
    json_t *exam = fx_get(
        f, "township_doctor1", SCHED_OP_EXAM_CREATE,
        "{'visit_id':'%lld','modality':'%s','procedure':'胸部CT平扫','question':'咳嗽一周','urgency':'%s'}",
        (long long)visit_id, modality, urgency);

    CHECK_STR(fx_str(exam, "state"), "ordered");
    return fx_id(exam, "id");
}

int64_t fx_study(struct fx *f, int64_t exam_id, bool complete)
{
    static int64_t last = 700000;

    last++;
    fx_sql(f,
           "INSERT INTO records.studies (region_id, id, tenant_id, study_uid, exam_id, visit_id, person_id, "
           "patient_name, modality,"
           " state, matched, matched_at, matched_by, n_series, n_instances, bytes, first_at, last_at, "
           "complete_at)"
           " SELECT 150000, %lld, e.tenant_id, '1.2.3.%lld', e.id, e.visit_id, e.person_id, 'x', e.modality, "
           "'%s', true, now(), 0,"
           " 1, 30, 15000000, now(), now(), %s FROM records.exams e WHERE e.id = %lld",
           (long long)last, (long long)last, complete ? "complete" : "arriving", complete ? "now()" : "NULL",
           (long long)exam_id);
    CHECK(owner_tick(f->o));
    return last;
}

int64_t fx_pooled_exam(struct fx *f, const char *modality, const char *urgency)
{
    int64_t visit = fx_count(
        f, "SELECT coalesce(max(visit_id), 0) FROM scheduling.orders WHERE state IN ('claimed', 'waiting')");
    int64_t exam = fx_exam(f, visit ? visit : fx_visit(f), modality, urgency);

    fx_study(f, exam, true);
    CHECK_STR(fx_value(f, "SELECT state FROM records.exams WHERE id = %lld", (long long)exam), "pooled");
    return exam;
}

int64_t fx_exam_version(struct fx *f, int64_t exam_id)
{
    return fx_count(f, "SELECT version FROM records.exams WHERE id = %lld", (long long)exam_id);
}

json_t *fx_exam_of(struct fx *f, const char *login, int64_t exam_id)
{
    return fx_get(f, login, SCHED_OP_EXAM_GET, "{'exam_id':'%lld'}", (long long)exam_id);
}

struct sched_request *fx_read(struct fx *f, const char *login, enum sched_op op, int64_t exam_id,
                              const char *more)
{
    return fx_ask(f, login, op, "{'exam_id':'%lld','version':%lld%s}", (long long)exam_id,
                  (long long)fx_exam_version(f, exam_id), more);
}

json_t *fx_did_read(struct fx *f, const char *login, enum sched_op op, int64_t exam_id, const char *more)
{
    struct sched_request *r = fx_read(f, login, op, exam_id, more);

    CHECK_OK(!r->answer.err.code, &r->answer.err);
    return r->answer.doc;
}

int64_t fx_signed_exam(struct fx *f, const char *modality)
{
    int64_t exam = fx_pooled_exam(f, modality, "normal");

    fx_did_read(f, "reader1", SCHED_OP_EXAM_CLAIM, exam, "");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_DRAFT, exam,
                ",'draft_version':0,'findings':'所见','impression':'印象'");
    fx_did_read(f, "reader1", SCHED_OP_EXAM_SIGN, exam, ",'draft_version':1");
    return exam;
}
