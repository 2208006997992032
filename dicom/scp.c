#include "dicom/scp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "dicom/dimse.h"
#include "dicom/find.h"
#include "dicom/rows.h"
#include "dicom/sop.h"

#define HELD_MAX 64 /* studies of one association that wait for its end */

static struct metric ECHOES = METRIC_COUNTER("yz_dicom_echoes_total", "C-ECHO requests answered.");
static struct metric STORES =
    METRIC_COUNTER("yz_dicom_stores_total", "C-STORE requests answered, with whatever status.");
static struct metric FINDS = METRIC_COUNTER("yz_dicom_finds_total", "C-FIND requests answered.");
static struct metric CUT = METRIC_COUNTER(
    "yz_dicom_objects_cut_total", "Objects whose association ended in the middle; nothing of them stays.");

struct scp {
    struct scp_options opt;
    struct ul *ul;
};

struct peer {
    struct scp *scp;
    struct assoc *as;
    int64_t tenant_id;
    struct pdu_out command; /* being collected */
    uint8_t command_context;
    bool in_data; /* the command is whole, its data set is coming */
    uint8_t context_id;
    const struct assoc_context *context;
    struct dimse_command rq;
    /* C-STORE */
    struct ingest_object *object;
    bool object_ended;
    uint16_t refused; /* the data set is read over, this is the answer */
    char refused_why[DIMSE_COMMENT_MAX + 1];
    char held[HELD_MAX][PDU_UID + 1];
    unsigned n_held;
    /* C-FIND */
    struct pdu_out identifier;
    struct find *find;
    bool cancelled;
    uint64_t n_stored, n_refused;
};

/* ---------------------------------------------------------------- answers */

/* The peer may be gone, and p with it, when this returns: it is the last thing a caller does with p. */
static void answer(struct peer *p, uint16_t status, const char *comment, const uint8_t *data, size_t len)
{
    struct dimse_command c = dimse_response(&p->rq, status, comment);
    struct pdu_out o = {0};

    c.has_data = data != NULL;
    dimse_write(&o, &c);
    assoc_send(p->as, p->context_id, &o, data, len);
    pdu_out_free(&o);
}

static void refuse_data(struct peer *p, uint16_t status, const char *why)
{
    p->refused = status;
    snprintf(p->refused_why, sizeof p->refused_why, "%s", why);
}

/* ---------------------------------------------------------------- C-STORE */

static void hold(struct peer *p, const char *study_uid)
{
    for (unsigned i = 0; i < p->n_held; i++)
        if (!strcmp(p->held[i], study_uid))
            return;
    if (p->n_held == HELD_MAX) {
        rows_hold(p->scp->opt.rows, p->tenant_id, p->held[0], false);
        memmove(p->held[0], p->held[1], sizeof p->held - sizeof p->held[0]);
        p->n_held--;
    }
    snprintf(p->held[p->n_held++], sizeof p->held[0], "%s", study_uid);
    rows_hold(p->scp->opt.rows, p->tenant_id, study_uid, true);
}

static void on_stored(void *arg, const struct ingest_result *r)
{
    struct peer *p = arg;
    struct assoc *as = p->as; /* lives to the end of the turn */

    p->object = NULL;
    p->object_ended = false;
    STORES.value++;
    if (r->err.code == ERR_NONE) {
        p->n_stored++;
        if (!r->duplicate)
            hold(p, r->study_uid);
        answer(p, DIMSE_SUCCESS, NULL, NULL, 0);
    } else {
        char why[sizeof r->err.reason + 24];

        p->n_refused++;
        snprintf(why, sizeof why, "%s%s", r->err.reason, r->quarantined ? ": kept in quarantine" : "");
        answer(p, r->status, why, NULL, 0);
    }
    assoc_pause(as, false);
}

static void store_begin(struct peer *p)
{
    struct ingest_source src = {.region_id = p->scp->opt.region_id, .tenant_id = p->tenant_id};
    struct err err = ERR_INIT;

    snprintf(src.name, sizeof src.name, "%s", assoc_calling(p->as));
    if (sop_service_of(p->context->abstract) != SOP_STORE ||
        strcmp(p->context->abstract, p->rq.sop_class) != 0)
        refuse_data(p, DIMSE_CLASS_NOT_SUPPORTED, "not the SOP class of this presentation context");
    else if (!p->rq.sop_instance[0])
        refuse_data(p, DIMSE_INVALID_ARGUMENT, "no affected SOP instance UID");
    else if (!ingest_begin(&p->object, p->scp->opt.ingest, &src, p->rq.sop_class, p->rq.sop_instance,
                           p->context->syntax, &err)) {
        log_error("store_refused", LS("ae", src.name), LERR(&err));
        refuse_data(p, DIMSE_OUT_OF_RESOURCES, err.reason);
    }
}

static void store_end(struct peer *p)
{
    if (p->refused) {
        STORES.value++;
        p->n_refused++;
        answer(p, p->refused, p->refused_why, NULL, 0);
        return;
    }
    p->object_ended = true;
    assoc_pause(p->as, true);
    ingest_end(p->object, on_stored, NULL, p);
}

/* ---------------------------------------------------------------- C-FIND */

static void on_answer(void *arg, const uint8_t *data, size_t len)
{
    struct peer *p = arg;

    if (!p->cancelled)
        answer(p, DIMSE_PENDING, NULL, data, len);
}

static void on_found(void *arg, uint16_t status, const char *comment)
{
    struct peer *p = arg;

    p->find = NULL;
    FINDS.value++;
    answer(p, p->cancelled ? DIMSE_CANCELLED : status, comment, NULL, 0);
}

static void find_begin(struct peer *p)
{
    struct find_ask ask = {.db = p->scp->opt.db,
                           .region_id = p->scp->opt.region_id,
                           .tenant_id = p->tenant_id,
                           .abstract = p->context->abstract,
                           .syntax = p->context->syntax,
                           .calling = assoc_calling(p->as),
                           .called = p->scp->opt.title,
                           .identifier = p->identifier.data,
                           .len = p->identifier.len,
                           .answer = on_answer,
                           .done = on_found,
                           .arg = p};
    char why[DIMSE_COMMENT_MAX + 1];
    uint16_t status;

    p->cancelled = false;
    if (p->refused || !find_start(&p->find, &ask, &status, why)) {
        FINDS.value++;
        answer(p, p->refused ? p->refused : status, p->refused ? p->refused_why : why, NULL, 0);
    }
}

/* ---------------------------------------------------------------- messages */

static void broken(struct peer *p, const char *why)
{
    assoc_abort(p->as, 2, PDU_ABORT_UNEXPECTED, why);
}

/* The command is whole; without a data set so is the message. */
static void on_command(struct peer *p)
{
    enum sop_service service = sop_service_of(p->context->abstract);

    p->refused = 0;
    p->in_data = p->rq.has_data;
    switch (p->rq.field) {
    case DIMSE_C_ECHO_RQ:
        ECHOES.value++;
        answer(p, service == SOP_ECHO ? DIMSE_SUCCESS : DIMSE_CLASS_NOT_SUPPORTED, NULL, NULL, 0);
        break;
    case DIMSE_C_STORE_RQ:
        if (!p->rq.has_data)
            answer(p, DIMSE_MISTYPED, "a C-STORE without a data set", NULL, 0);
        else
            store_begin(p);
        break;
    case DIMSE_C_FIND_RQ:
        p->identifier.len = 0;
        if (service != SOP_FIND)
            refuse_data(p, DIMSE_CLASS_NOT_SUPPORTED, "not a query class");
        if (!p->rq.has_data)
            answer(p, DIMSE_WRONG_CLASS, "a C-FIND without an identifier", NULL, 0);
        break;
    case DIMSE_C_CANCEL_RQ:
        p->cancelled = true;
        break;
    default:
        if (p->rq.field & DIMSE_RESPONSE) {
            broken(p, "a response nobody waits for");
            return;
        }
        refuse_data(p, DIMSE_UNRECOGNISED, "this operation is not offered");
        if (!p->rq.has_data)
            answer(p, p->refused, p->refused_why, NULL, 0);
    }
}

static void on_message(struct peer *p)
{
    p->in_data = false;
    if (p->rq.field == DIMSE_C_STORE_RQ)
        store_end(p);
    else if (p->rq.field == DIMSE_C_FIND_RQ)
        find_begin(p);
    else if (p->rq.field != DIMSE_C_ECHO_RQ && p->rq.field != DIMSE_C_CANCEL_RQ)
        answer(p, p->refused, p->refused_why, NULL, 0);
}

static void take_command(struct peer *p, const struct assoc_context *context, const struct pdu_pdv *v)
{
    struct dimse_command rq;
    struct err err = ERR_INIT;

    if (p->in_data || (p->command.len && p->command_context != v->context)) {
        broken(p, "a command inside another message");
        return;
    }
    if (p->command.len + v->len > DIMSE_COMMAND_MAX) {
        broken(p, "a command set that does not end");
        return;
    }
    pdu_put(&p->command, v->data, v->len);
    if (!v->last) {
        p->command_context = v->context;
        return;
    }
    if (!dimse_parse(&rq, p->command.data, p->command.len, &err)) {
        assoc_abort(p->as, 2, PDU_ABORT_BAD_PARAMETER, err.text);
        return;
    }
    p->command.len = 0;
    if (p->find && rq.field != DIMSE_C_CANCEL_RQ) {
        broken(p, "a request before the answer to the last one");
        return;
    }
    if (rq.field ==
        DIMSE_C_CANCEL_RQ) { /* not a message of its own: the find it cancels goes on answering under its id */
        p->cancelled = true;
        return;
    }
    p->context_id = v->context;
    p->context = context;
    p->rq = rq;
    on_command(p);
}

static void take_data(struct peer *p, const struct pdu_pdv *v)
{
    if (!p->in_data || p->context_id != v->context) {
        broken(p, "a data set without a command");
        return;
    }
    if (p->object) {
        ingest_bytes(p->object, v->data, v->len);
    } else if (p->rq.field == DIMSE_C_FIND_RQ) {
        if (p->identifier.len + v->len > FIND_IDENTIFIER_MAX)
            refuse_data(p, DIMSE_WRONG_CLASS, "the identifier is too long");
        else
            pdu_put(&p->identifier, v->data, v->len);
    }
    if (!v->last)
        return;
    assoc_quick_ack(p->as);
    on_message(p);
}

static void on_pdv(void *arg, struct assoc *as, const struct assoc_context *context, const struct pdu_pdv *v)
{
    struct peer *p = assoc_data(as);

    (void)arg;
    if (v->command)
        take_command(p, context, v);
    else
        take_data(p, v);
}

/* ---------------------------------------------------------------- associations */

static bool judge(void *arg, struct assoc *as, struct pdu_associate *rq, struct pdu_reject *rj)
{
    struct scp *s = arg;
    const char *why = NULL;
    struct peer *p;
    int64_t tenant = aes_tenant(s->opt.aes, assoc_calling(as), assoc_peer_address(as));

    if (strcmp(assoc_called(as), s->opt.title) != 0) {
        *rj = (struct pdu_reject){1, 1, 7};
        why = "called AE title not recognised";
    } else if (!aes_known(s->opt.aes)) {
        *rj = (struct pdu_reject){2, 3, 1};
        why = "the access list is not read yet";
    } else if (!tenant) {
        *rj = (struct pdu_reject){1, 1, 3};
        why = "calling AE title not recognised";
    } else if (ul_count(s->ul) >= s->opt.associations_max) {
        *rj = (struct pdu_reject){2, 3, 2};
        why = "as many associations as allowed";
    }
    if (why) {
        log_warn("association_rejected", LS("calling", assoc_calling(as)), LS("called", assoc_called(as)),
                 LS("peer", assoc_peer(as)), LS("why", why));
        return false;
    }
    for (unsigned i = 0; i < rq->n_contexts; i++)
        sop_negotiate(&rq->context[i]);
    p = mem_new(sizeof *p);
    p->scp = s;
    p->as = as;
    p->tenant_id = tenant;
    assoc_set_data(as, p);
    log_info("association", LS("calling", assoc_calling(as)), LS("peer", assoc_peer(as)),
             LID("tenant", tenant));
    return true;
}

static void on_release(void *arg, struct assoc *as)
{
    (void)arg;
    assoc_release(as);
}

static void on_gone(void *arg, struct assoc *as, const char *why)
{
    struct scp *s = arg;
    struct peer *p = assoc_data(as);

    if (!p)
        return;
    if (p->object && p->object_ended) {
        ingest_forget(p->object);
    } else if (p->object) {
        CUT.value++;
        ingest_cut(p->object);
    }
    find_stop(p->find);
    for (unsigned i = 0; i < p->n_held; i++)
        rows_hold(s->opt.rows, p->tenant_id, p->held[i], false);
    log_info("association_over", LS("calling", assoc_calling(as)), LI("stored", p->n_stored),
             LI("refused", p->n_refused), LS("how", why));
    pdu_out_free(&p->command);
    pdu_out_free(&p->identifier);
    assoc_set_data(as, NULL);
    free(p);
}

bool scp_new(struct scp **out, const struct scp_options *opt, struct err *err)
{
    static struct metric *const ALL[] = {&ECHOES, &STORES, &FINDS, &CUT, NULL};
    static bool counted;
    struct scp *s = mem_new(sizeof *s);
    struct ul_events ev = {.judge = judge, .pdv = on_pdv, .release = on_release, .gone = on_gone, .arg = s};

    for (struct metric *const *m = ALL; !counted && *m; m++)
        metrics_add(*m);
    counted = true;
    s->opt = *opt;
    if (!ul_listen(&s->ul, opt->loop, &opt->ul, &ev, err)) {
        free(s);
        return false;
    }
    *out = s;
    return true;
}

void scp_free(struct scp *s)
{
    if (!s)
        return;
    ul_free(s->ul);
    free(s);
}

uint16_t scp_port(const struct scp *s)
{
    return ul_port(s->ul);
}

unsigned scp_count(const struct scp *s)
{
    return ul_count(s->ul);
}
