#include "dicom/ingest.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/db/db.h"
#include "core/ids.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "dicom/dataset/dataset_write.h"
#include "dicom/decoders.h"
#include "dicom/dimse.h"
#include "dicom/journal.h"
#include "dicom/rows.h"
#include "dicom/ingest_internal.h"
#include "dicom/rows.sql.h"
#include "dicom/sop.h"

#define FACTS_MAX    (256 * 1024)
#define OBJECT_MAX   (INT64_C(4) << 30)
#define REPLAY_TRIES 5

static struct metric OBJECTS =
    METRIC_COUNTER("yz_dicom_objects_total", "Objects kept: file and journal written.");
static struct metric REFUSED =
    METRIC_COUNTER("yz_dicom_objects_refused_total",
                   "Objects refused with a status that says why; the log has the reason of each.");
static struct metric DUPLICATES =
    METRIC_COUNTER("yz_dicom_duplicates_total", "Objects that were here already with the same bytes.");
static struct metric WAITING =
    METRIC_GAUGE("yz_dicom_journal_lines",
                 "Objects that are promised and have no row yet; it grows while the database is away.");
static struct metric STORE_US = METRIC_HISTOGRAM(
    "yz_dicom_store_us", "From the last byte of an object to its promise.", METRIC_BOUNDS_US);

/* ---------------------------------------------------------------- small things */

static struct ingest_object *object_of(struct rows_instance *i)
{
    return (struct ingest_object *)((char *)i - offsetof(struct ingest_object, row));
}

struct ingest_object *ingest_object_new(struct ingest *in, const struct ingest_source *src, int64_t id)
{
    struct ingest_object *o = mem_new(sizeof *o);

    o->in = in;
    o->row.id = id;
    o->row.src = *src;
    o->fd = o->index_fd = o->from_fd = -1;
    o->path = mem_format("%s/%" PRId64 ".dcm", in->incoming, id);
    o->index_path = mem_format("%s/%" PRId64 ".json", in->incoming, id);
    o->next = in->list;
    o->at = &in->list;
    if (in->list)
        in->list->at = &o->next;
    in->list = o;
    return o;
}

void ingest_close_fds(struct ingest_object *o)
{
    if (o->fd >= 0)
        close(o->fd);
    if (o->index_fd >= 0)
        close(o->index_fd);
    if (o->from_fd >= 0)
        close(o->from_fd);
    o->fd = o->index_fd = o->from_fd = -1;
}

void ingest_object_free(struct ingest_object *o)
{
    uint8_t hash[SHA256_LEN];

    if (o->job)
        decoders_forget(o->job);
    if (o->query)
        db_cancel(o->query);
    loop_undefer(o->in->opt.loop, ingest_judge, o);
    loop_untimer(o->again);
    if (o->sha)
        sha256_final(o->sha, hash);
    ingest_close_fds(o);
    *o->at = o->next;
    if (o->next)
        o->next->at = o->at;
    json_decref(o->row.facts);
    free(o->path);
    free(o->index_path);
    free(o);
}

void ingest_remove_files(struct ingest_object *o)
{
    unlink(o->path);
    unlink(o->index_path);
}

bool ingest_no_room(struct err *err, const char *what)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(err, ERR_LIMIT, "out_of_space", "%s: no room left", what);
    err_set(err, ERR_IO, "storage_failed", "%s: %s", what, strerror(errno));
    return false;
}

bool ingest_write_all(int fd, const uint8_t *data, size_t len, struct err *err)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ingest_no_room(err, "write an object");
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static void fill_result(struct ingest_result *r, const struct ingest_object *o)
{
    *r = (struct ingest_result){
        .study_id = o->row.study_id, .instance_id = o->row.id, .duplicate = o->row.duplicate};
    memcpy(r->sop_class, o->row.sop_class, sizeof r->sop_class);
    memcpy(r->sop_uid, o->row.sop_uid, sizeof r->sop_uid);
    memcpy(r->study_uid, o->row.study_uid, sizeof r->study_uid);
    memcpy(r->series_uid, o->row.series_uid, sizeof r->series_uid);
    snprintf(r->warning, sizeof r->warning, "%s",
             json_string_value(json_object_get(o->row.facts, "frames_reason"))
                 ? json_string_value(json_object_get(o->row.facts, "frames_reason"))
                 : "");
}

static void tell(struct ingest_object *o, ingest_fn *fn, const struct ingest_result *r)
{
    if (fn && !o->forgotten)
        fn(o->arg, r);
}

static bool promise(struct ingest_object *o, struct err *err)
{
    json_t *d = ingest_record(&o->row);
    bool ok = journal_append(o->in->journal, d, err);

    json_decref(d);
    o->promised = ok;
    ingest_count_waiting(o->in);
    return ok;
}

/* ---------------------------------------------------------------- refused */

/* DIMSE status for a reason; what is not in the list cannot be understood (Cxxx). */
static uint16_t status_of(const struct err *err)
{
    static const struct {
        const char *reason;
        uint16_t status;
    } TABLE[] = {
        {"class_differs", DIMSE_WRONG_CLASS},
        {"instance_differs", DIMSE_WRONG_CLASS},
        {"study_differs", DIMSE_WRONG_CLASS},
        {"identity_missing", DIMSE_WRONG_CLASS},
        {"patient_differs", DIMSE_WRONG_CLASS},
        {"class_unknown", DIMSE_CLASS_NOT_SUPPORTED},
        {"same_uid_other_bytes", DIMSE_DUPLICATE_INSTANCE},
        {"object_too_large", DIMSE_OUT_OF_RESOURCES},
        {"out_of_space", DIMSE_OUT_OF_RESOURCES},
        {"storage_failed", DIMSE_OUT_OF_RESOURCES},
        {"output_failed", DIMSE_OUT_OF_RESOURCES},
        {"decoder_busy", DIMSE_OUT_OF_RESOURCES},
        {"decoder_missing", DIMSE_OUT_OF_RESOURCES},
        {"stopping", DIMSE_OUT_OF_RESOURCES},
    };

    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
        if (!strcmp(TABLE[i].reason, err->reason))
            return TABLE[i].status;
    return DIMSE_NOT_UNDERSTOOD;
}

/* Our own trouble is nothing to keep a sender's file for: he sends it again. What was promised is kept whatever comes. */
static bool is_kept(const struct ingest_object *o)
{
    return o->promised ||
           (o->in->opt.quarantine && o->row.status != DIMSE_OUT_OF_RESOURCES && o->row.bytes > 0);
}

static void refuse(struct ingest_object *o, const struct err *why)
{
    struct ingest_result r;
    struct err err = ERR_INIT;
    bool keep;

    REFUSED.value++;
    o->row.status = status_of(why);
    snprintf(o->row.reason, sizeof o->row.reason, "%s", why->reason);
    keep = is_kept(o) && (o->promised || promise(o, &err));
    log_warn("object_refused", LID("object", o->row.id), LS("source", o->row.src.name),
             LS("reason", why->reason), LS("sop_class", o->row.sop_class), LB("quarantined", keep),
             LERR(why));
    fill_result(&r, o);
    r.err = *why;
    r.status = o->row.status;
    r.quarantined = keep;
    tell(o, o->stored ? o->stored : o->settled, &r);
    o->stored = o->settled = NULL;
    if (keep) {
        json_decref(o->row.facts);
        o->row.facts = NULL;
        rows_instance(o->in->opt.rows, &o->row);
    } else {
        ingest_remove_files(o);
        ingest_object_free(o);
    }
}

/* ---------------------------------------------------------------- judging */

/* As the rows take it: what they refuse after the promise would be in quarantine although the sender heard success. */
static bool uid_ok(const char *uid)
{
    return *uid && !uid[strspn(uid, "0123456789.")];
}

static bool check_uids(struct ingest_object *o, struct err *err)
{
    struct rows_instance *i = &o->row;
    char class[PDU_UID + 1] = "", uid[PDU_UID + 1] = "";

    if (!ingest_get_text(i->facts, "sop_class", class, sizeof class) ||
        !ingest_get_text(i->facts, "sop_uid", uid, sizeof uid) ||
        !ingest_get_text(i->facts, "study_uid", i->study_uid, sizeof i->study_uid) ||
        !ingest_get_text(i->facts, "series_uid", i->series_uid, sizeof i->series_uid) || !*class ||
        !uid_ok(uid) || !uid_ok(i->study_uid) || !uid_ok(i->series_uid))
        return err_set(err, ERR_INVALID, "identity_missing",
                       "study, series, instance or class UID is missing or none");
    if (i->sop_class[0] && strcmp(class, i->sop_class) != 0)
        return err_set(err, ERR_INVALID, "class_differs", "announced as another SOP class");
    if (i->sop_uid[0] && strcmp(uid, i->sop_uid) != 0)
        return err_set(err, ERR_INVALID, "instance_differs", "announced as another SOP instance");
    memcpy(i->sop_class, class, sizeof class);
    memcpy(i->sop_uid, uid, sizeof uid);
    if (!sop_storage_name(class))
        return err_set(err, ERR_UNSUPPORTED, "class_unknown", "no storage class of the standard");
    if (o->want_study[0] && strcmp(o->want_study, i->study_uid) != 0)
        return err_set(err, ERR_INVALID, "study_differs", "belongs to another study than the address says");
    if (o->from_file)
        ingest_get_text(i->facts, "syntax", i->syntax, sizeof i->syntax);
    return true;
}

static void give_to_rows(struct ingest_object *o)
{
    int64_t now_us = clock_now_us();

    o->row.study_id = ids_next(o->in->opt.ids, now_us);
    o->row.series_id = ids_next(o->in->opt.ids, now_us);
    rows_instance(o->in->opt.rows, &o->row);
}

static void keep(struct ingest_object *o)
{
    struct ingest_result r;
    struct err err = ERR_INIT;

    if (!o->replayed && !promise(o, &err)) {
        refuse(o, &err);
        return;
    }
    if (!o->replayed) {
        OBJECTS.value++;
        metric_observe(&STORE_US, clock_mono_us() - o->ended_us);
    }
    fill_result(&r, o);
    tell(o, o->stored, &r);
    o->stored = NULL;
    give_to_rows(o);
}

static void already_here(struct ingest_object *o)
{
    struct ingest_result r;

    DUPLICATES.value++;
    o->row.duplicate = true;
    o->row.study_id = o->known_study;
    fill_result(&r, o);
    r.instance_id = o->known_id;
    tell(o, o->stored, &r);
    r.settled = true;
    tell(o, o->settled, &r);
    ingest_remove_files(o);
    ingest_object_free(o);
}

static void on_again(void *arg)
{
    struct ingest_object *o = arg;

    loop_untimer(o->again);
    o->again = NULL;
    err_clear(&o->index_err);
    o->asking = 1;
    ingest_ask_index(o);
}

/* It was promised: our own trouble passes, and a decoder may have died of something else than this file. */
static bool may_pass(struct ingest_object *o, const struct err *why)
{
    if (!strcmp(why->reason, "decoder_died") || !strcmp(why->reason, "decoder_slow"))
        return ++o->tries < REPLAY_TRIES;
    return status_of(why) == DIMSE_OUT_OF_RESOURCES;
}

static void try_again(struct ingest_object *o, const struct err *why)
{
    log_warn("replayed_object_waits", LID("object", o->row.id), LERR(why));
    o->again = loop_timer(o->in->opt.loop, US_PER_S, 0, on_again, o);
}

/* Both answers are in. */
void ingest_judge(void *arg)
{
    struct ingest_object *o = arg;
    struct err err = o->index_err;
    char hash[2 * SHA256_LEN + 1];

    if (err.code == ERR_NONE)
        check_uids(o, &err);
    if (err.code != ERR_NONE && o->replayed && may_pass(o, &err)) {
        try_again(o, &err);
        return;
    }
    if (err.code != ERR_NONE) {
        refuse(o, &err);
        return;
    }
    crypto_hex(o->row.sha256, SHA256_LEN, hash);
    if (o->known && !o->replayed && strcmp(o->known_hash, hash) == 0)
        already_here(o);
    else if (o->known && !o->replayed) {
        err_set(&err, ERR_CONFLICT, "same_uid_other_bytes", "this SOP instance UID is here with other bytes");
        refuse(o, &err);
    } else if (o->other_patient && !o->replayed) {
        err_set(&err, ERR_CONFLICT, "patient_differs", "this study is here under another patient id");
        refuse(o, &err);
    } else {
        keep(o);
    }
}

void ingest_answered(struct ingest_object *o)
{
    if (--o->asking == 0)
        ingest_judge(o);
}

/* ---------------------------------------------------------------- is it here? */

static const char *fact(const struct ingest_object *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o->row.facts, name));

    return s ? s : "";
}

static void on_known(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct ingest_object *o = arg;

    o->query = NULL;
    if (!err && rows->n) { /* a database that is away is no reason to refuse: the rows thread asks again */
        o->known = *db_str(rows, 0, 0) != '\0';
        snprintf(o->known_hash, sizeof o->known_hash, "%s", db_str(rows, 0, 0));
        o->known_study = db_i64(rows, 0, 1);
        o->known_id = db_i64(rows, 0, 2);
        o->other_patient = !db_null(rows, 0, 3) && strcmp(db_str(rows, 0, 3), fact(o, "patient_no")) != 0;
    }
    ingest_answered(o);
}

static void ask_known(struct ingest_object *o)
{
    struct db_scope scope = {.region_id = o->in->opt.region_id, .tenant_id = o->row.src.tenant_id};
    struct db_args a;

    if (!db_is_ready(o->in->opt.db))
        return;
    db_args_init(&a);
    db_arg_i64(&a, scope.region_id);
    db_arg_i64(&a, scope.tenant_id);
    db_arg_str(&a, fact(o, "sop_uid"));
    db_arg_str(&a, fact(o, "study_uid"));
    o->asking++;
    o->query = db_query(o->in->opt.db, &scope, &SQL_study_known, &a, on_known, o);
}

/* ---------------------------------------------------------------- INDEX */

/* Line 1 of what INDEX gave: a few KiB of JSON. */
bool ingest_read_facts(struct ingest_object *o, int fd, struct err *err)
{
    static const struct json_limits LIMITS = {FACTS_MAX, 16};
    char *text = mem_new(FACTS_MAX + 1), *end;
    ssize_t n = pread(fd, text, FACTS_MAX, 0);
    bool ok = false;

    end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;
    if (!end)
        err_set(err, ERR_INTERNAL, "index_malformed", "the decoder's index has no first line");
    else
        ok = json_parse(&o->row.facts, (const uint8_t *)text, (size_t)(end - text), &LIMITS, err);
    free(text);
    return ok;
}

static void on_index(void *arg, struct decode_result *result, const struct err *err)
{
    struct ingest_object *o = arg;

    o->job = NULL;
    if (err->code != ERR_NONE)
        o->index_err = *err;
    else if (ingest_read_facts(o, o->index_fd, &o->index_err) && o->from_file)
        o->row.data_begin = json_integer_value(json_object_get(o->row.facts, "data_begin"));
    (void)result;
    close(o->index_fd);
    o->index_fd = -1;
    if (!o->replayed && o->index_err.code == ERR_NONE) {
        ask_known(o);
        if (o->from_file) {
            ingest_hash(o);
            return;
        }
    }
    ingest_answered(o);
}

/* Starts INDEX; counted in asking by the caller. */
void ingest_ask_index(struct ingest_object *o)
{
    struct decode_params p = {.op = DECODE_INDEX};
    int fd = open(o->path, O_RDONLY | O_CLOEXEC);

    o->index_fd = open(o->index_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || o->index_fd < 0)
        ingest_no_room(&o->index_err, "index an object");
    else
        o->job =
            decoders_run(o->in->opt.decoders, o->replayed ? DECODERS_BACKGROUND : DECODERS_SOMEBODY_WAITS, &p,
                         fd, o->index_fd, on_index, o);
    if (fd >= 0)
        close(fd);
    if (o->job)
        return;
    if (o->index_fd >= 0)
        close(o->index_fd);
    o->index_fd = -1;
    if (o->index_err.code == ERR_NONE)
        err_set(&o->index_err, ERR_AGAIN, "decoder_busy", "too many objects are waiting");
    if (--o->asking == 0)
        loop_defer(o->in->opt.loop, ingest_judge, o);
}

/* ---------------------------------------------------------------- by parts */

bool ingest_begin(struct ingest_object **out, struct ingest *in, const struct ingest_source *src,
                  const char *sop_class, const char *sop_uid, const char *syntax, struct err *err)
{
    struct ingest_object *o = ingest_object_new(in, src, ids_next(in->opt.ids, clock_now_us()));
    uint8_t *meta = NULL;
    size_t len;

    snprintf(o->row.sop_class, sizeof o->row.sop_class, "%s", sop_class);
    snprintf(o->row.sop_uid, sizeof o->row.sop_uid, "%s", sop_uid);
    snprintf(o->row.syntax, sizeof o->row.syntax, "%s", syntax);
    o->fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (o->fd < 0) {
        ingest_no_room(err, "begin an object");
        ingest_object_free(o);
        return false;
    }
    meta = dataset_meta_write(sop_class, sop_uid, syntax, src->name, &len);
    if (!ingest_write_all(o->fd, meta, len, err)) {
        free(meta);
        ingest_cut(o);
        return false;
    }
    free(meta);
    o->row.data_begin = o->row.bytes = (int64_t)len;
    o->sha = sha256_new();
    *out = o;
    return true;
}

void ingest_bytes(struct ingest_object *o, const uint8_t *data, size_t len)
{
    if (o->err.code != ERR_NONE)
        return;
    if (o->row.bytes + (int64_t)len > OBJECT_MAX) {
        err_set(&o->err, ERR_TOO_LARGE, "object_too_large", "larger than 4 GiB");
        return;
    }
    sha256_update(o->sha, data, len);
    if (ingest_write_all(o->fd, data, len, &o->err))
        o->row.bytes += (int64_t)len;
}

void ingest_end(struct ingest_object *o, ingest_fn *stored, ingest_fn *settled, void *arg)
{
    o->stored = stored;
    o->settled = settled;
    o->arg = arg;
    o->ended_us = clock_mono_us();
    o->row.received_us = clock_now_us();
    sha256_final(o->sha, o->row.sha256);
    o->sha = NULL;
    if (close(o->fd) != 0 && o->err.code == ERR_NONE)
        ingest_no_room(&o->err, "close an object");
    o->fd = -1;
    if (o->err.code == ERR_NONE && o->row.bytes == o->row.data_begin)
        err_set(&o->err, ERR_INVALID, "truncated", "a data set without a byte");
    if (o->err.code != ERR_NONE) {
        o->index_err = o->err;
        loop_defer(o->in->opt.loop, ingest_judge, o);
        return;
    }
    o->asking = 1;
    ingest_ask_index(o);
}

void ingest_cut(struct ingest_object *o)
{
    ingest_remove_files(o);
    ingest_object_free(o);
}

void ingest_forget(struct ingest_object *o)
{
    o->forgotten = true;
}

/* ---------------------------------------------------------------- rows */

void ingest_settle(struct ingest *in, struct rows_instance *i)
{
    struct ingest_object *o = object_of(i);
    struct ingest_result r;

    journal_done(in->journal);
    ingest_count_waiting(in);
    if (o->settled) {
        fill_result(&r, o);
        r.settled = true;
        if (i->reason[0]) {
            err_set(&r.err, ERR_CONFLICT, i->reason, "refused while its row was written");
            r.status = i->status;
            r.quarantined = true;
        }
        tell(o, o->settled, &r);
    }
    ingest_object_free(o);
}

void ingest_drop(struct ingest *in, struct rows_instance *i)
{
    (void)in;
    ingest_object_free(object_of(i)); /* the journal has it */
}

unsigned ingest_waiting(const struct ingest *in)
{
    return journal_open_lines(in->journal);
}

void ingest_count_waiting(struct ingest *in)
{
    WAITING.value = journal_open_lines(in->journal);
}

void ingest_metrics(void)
{
    static struct metric *const ALL[] = {&OBJECTS, &REFUSED, &DUPLICATES, &WAITING, &STORE_US, NULL};
    static bool counted;

    for (struct metric *const *m = ALL; !counted && *m; m++)
        metrics_add(*m);
    counted = true;
}
