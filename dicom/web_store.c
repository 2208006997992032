/* STOW-RS: a spooled upload is taken apart, each part goes through the door every object goes through, and the answer comes
 * when all rows are committed (PS3.18 10.5). */
#include "core/db/db.h"
#include "core/log.h"
#include "core/mem.h"
#include "dicom/ingest.h"
#include "dicom/multipart.h"
#include "dicom/web.sql.h"
#include "dicom/web_private.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS_MAX 20000
#define AT_ONCE   4 /* parts on their way in */
#define SAID_MAX  3 /* refusals told in words */

#define REFUSED_RESOURCES 0xA700
#define CANNOT_UNDERSTAND 0xC000

struct store;
struct part {
    struct store *store;
    int64_t offset, length;
    char media[64];
    bool done;
    uint16_t status; /* 0: kept */
    char reason[48], sop_class[WEB_UID], sop_uid[WEB_UID], study_uid[WEB_UID], series_uid[WEB_UID];
};

struct store {
    struct request *req;
    struct ingest *ingest;
    struct ingest_source source;
    char *study_uid; /* of the address, or NULL */
    char *base;
    char boundary[MULTIPART_BOUNDARY + 1];
    int fd;
    struct part *parts;
    size_t n, next, under_way, kept;
    struct err err;
};

static void store_free(struct store *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->parts);
    free(s->study_uid);
    free(s->base);
    free(s);
}

static void fail(struct store *s, const struct err *err)
{
    request_problem(s->req, err, NULL);
    store_free(s);
}

/* --- the answer --- */

static json_t *attribute(const char *vr, json_t *value)
{
    return json_pack("{s:s, s:[o]}", "vr", vr, "Value", value);
}

static void add_refused(json_t *failed, json_t *other, const struct part *p)
{
    json_t *item = json_object();

    if (*p->sop_uid) {
        json_object_set_new(item, "00081150", attribute("UI", json_string(p->sop_class)));
        json_object_set_new(item, "00081155", attribute("UI", json_string(p->sop_uid)));
    }
    json_object_set_new(item, "00081197", attribute("US", json_integer(p->status)));
    json_array_append_new(*p->sop_uid ? failed : other, item);
}

static void add_kept(json_t *kept, const struct store *s, const struct part *p)
{
    char *url = mem_format("%s/dicomweb/studies/%s/series/%s/instances/%s", s->base, p->study_uid,
                           p->series_uid, p->sop_uid);
    json_t *item = json_object();

    json_object_set_new(item, "00081150", attribute("UI", json_string(p->sop_class)));
    json_object_set_new(item, "00081155", attribute("UI", json_string(p->sop_uid)));
    json_object_set_new(item, "00081190", attribute("UR", json_string(url)));
    json_array_append_new(kept, item);
    free(url);
}

/* The standard's number says what kind of refusal; the words behind it say why, to whoever reads heads. */
static void say(struct request *req, size_t number, const struct part *p)
{
    char words[128];

    snprintf(words, sizeof words, "299 yunzhen \"part %zu: %s\"", number, p->reason);
    request_header(req, "Warning", words);
}

static void put_sequence(json_t *doc, const char *tag, json_t *items)
{
    if (json_array_size(items))
        json_object_set_new(doc, tag, json_pack("{s:s, s:O}", "vr", "SQ", "Value", items));
    json_decref(items);
}

/* All, some or none (table 10.5.3-1); none because there is no room for it now is "later". */
static int status_of(const struct store *s)
{
    bool later = true;

    for (size_t i = 0; i < s->n; i++)
        later &= s->parts[i].status == REFUSED_RESOURCES;
    if (s->kept == s->n)
        return 200;
    return s->kept ? 202 : later ? 503 : 409;
}

static void answer(struct store *s)
{
    json_t *doc = json_object(), *kept = json_array(), *failed = json_array(), *other = json_array();
    const char *study = s->study_uid;
    size_t said = 0, len;
    char *text;

    for (size_t i = 0; i < s->n; i++) {
        const struct part *p = &s->parts[i];
        if (!p->status) {
            add_kept(kept, s, p);
            study = study ? study : p->study_uid;
            continue;
        }
        add_refused(failed, other, p);
        if (said++ < SAID_MAX)
            say(s->req, i + 1, p);
    }
    if (study && s->kept) {
        char *url = mem_format("%s/dicomweb/studies/%s", s->base, study);
        json_object_set_new(doc, "00081190", attribute("UR", json_string(url)));
        free(url);
    }
    put_sequence(doc, "00081198", failed);
    put_sequence(doc, "00081199", kept);
    put_sequence(doc, "0008119A", other);
    text = json_text(doc, &len);
    json_decref(doc);
    log_info("stored_by_web", LS("request_id", s->req->id), LI("parts", s->n), LI("kept", s->kept));
    request_answer_text(s->req, status_of(s), WEB_JSON, text, len);
    store_free(s);
}

/* --- parts on their way in --- */

static void go_on(struct store *s);

static void refuse_part(struct part *p, uint16_t status, const char *reason)
{
    p->status = status ? status : CANNOT_UNDERSTAND;
    snprintf(p->reason, sizeof p->reason, "%s", reason);
}

static void on_settled(void *arg, const struct ingest_result *r)
{
    struct part *p = arg;
    struct store *s = p->store;

    if (r->err.code)
        refuse_part(p, r->status, r->err.reason);
    else
        s->kept++;
    snprintf(p->sop_class, sizeof p->sop_class, "%s", r->sop_class);
    snprintf(p->sop_uid, sizeof p->sop_uid, "%s", r->sop_uid);
    snprintf(p->study_uid, sizeof p->study_uid, "%s", r->study_uid);
    snprintf(p->series_uid, sizeof p->series_uid, "%s", r->series_uid);
    s->under_way--;
    go_on(s);
}

static void begin_part(struct store *s, struct part *p)
{
    struct err err = ERR_INIT;

    p->store = s;
    if (*p->media && strcmp(p->media, "application/dicom") != 0) {
        refuse_part(p, CANNOT_UNDERSTAND, "content_type");
        return;
    }
    s->under_way++;
    if (ingest_file(s->ingest, &s->source, s->study_uid, s->fd, p->offset, p->length, on_settled, p, &err))
        return;
    s->under_way--;
    refuse_part(p, err.code == ERR_AGAIN || err.code == ERR_LIMIT ? REFUSED_RESOURCES : 0x0110, err.reason);
}

/* Callbacks never come from inside ingest_file(), so this does not meet itself. */
static void go_on(struct store *s)
{
    while (s->next < s->n && s->under_way < AT_ONCE)
        begin_part(s, &s->parts[s->next++]);
    if (!s->under_way && s->next == s->n)
        answer(s);
}

/* --- taking the file apart, on a worker --- */

static bool add_part(struct store *s, const struct multipart_part *in)
{
    if (s->n == PARTS_MAX)
        return err_set(&s->err, ERR_TOO_LARGE, "too_large", "more than %d parts", PARTS_MAX);
    if ((s->n & (s->n - 1)) == 0) /* 0, 1, 2, 4 …: full */
        s->parts = mem_grow(s->parts, (s->n ? 2 * s->n : 1) * sizeof *s->parts);
    s->parts[s->n] = (struct part){.offset = (int64_t)in->offset, .length = (int64_t)in->length};
    memcpy(s->parts[s->n].media, in->media, sizeof in->media);
    s->n++;
    return true;
}

static void split(struct store *s, const uint8_t *body, size_t len)
{
    struct multipart_part part;
    struct multipart m;

    if (!multipart_open(&m, body, len, s->boundary, &s->err))
        return;
    while (multipart_next(&m, &part, &s->err))
        if (!add_part(s, &part))
            return;
    if (!s->err.code && !s->n)
        err_set(&s->err, ERR_INVALID, "multipart_malformed", "no part at all");
}

static void take_apart(void *arg)
{
    struct store *s = arg;
    struct stat st;
    void *body;

    if (fstat(s->fd, &st)) {
        err_errno(&s->err, "fstat");
        return;
    }
    if (!st.st_size) {
        err_set(&s->err, ERR_INVALID, "body_missing", "an empty upload");
        return;
    }
    body = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, s->fd, 0);
    if (body == MAP_FAILED) {
        err_errno(&s->err, "mmap");
        return;
    }
    split(s, body, (size_t)st.st_size);
    munmap(body, (size_t)st.st_size);
}

static void on_apart(void *arg)
{
    struct store *s = arg;

    if (s->err.code)
        fail(s, &s->err);
    else
        go_on(s);
}

/* --- the request --- */

/* The name comes from nginx; it must lie where nginx spools, whoever wrote it. */
static int open_upload(const struct web *web, const char *path, struct err *err)
{
    size_t len = strlen(web->uploads);
    struct stat st;
    int fd;

    if (!*path) {
        err_set(err, ERR_INVALID, "body_missing", "no upload");
        return -1;
    }
    if (strncmp(path, web->uploads, len) != 0 || path[len] != '/' || strstr(path, "..")) {
        err_set(err, ERR_DENIED, "internal", "an upload outside of the spool");
        return -1;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        err_errno(err, "open an upload");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static void on_name(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct store *s = arg;

    if (err) {
        fail(s, err);
        return;
    }
    if (rows->n) {
        const char *name = db_str(rows, 0, 0);
        size_t len = strlen(name);
        if (len >= sizeof s->source.name)
            for (len = sizeof s->source.name - 1; len && ((uint8_t)name[len] & 0xC0) == 0x80;)
                len--; /* whole characters */
        memcpy(s->source.name, name, len);
        s->source.name[len] = '\0';
    }
    if (!web_work(s->req, take_apart, on_apart, s))
        store_free(s);
}

void web_store(struct request *req)
{
    const struct caller *who = caller_of(req);
    struct db_scope scope = caller_scope(who);
    struct web *web = web_of(req);
    struct multipart_type type;
    struct err err = ERR_INIT;
    struct db_args a;
    struct store *s;

    if (!multipart_type_parse(&type, req->content_type, strlen(req->content_type)) ||
        strcmp(type.media, "multipart/related") != 0 ||
        (*type.type && strcmp(type.type, "application/dicom") != 0)) {
        request_refuse(req, ERR_UNSUPPORTED, "content_type",
                       "not multipart/related; type=\"application/dicom\"");
        return;
    }
    s = mem_new(sizeof *s);
    s->req = req;
    s->ingest = web->config.ingest;
    s->study_uid = strstr(req->route->path, "study_uid") ? mem_str(req->param[0]) : NULL;
    s->base = web_base(req);
    memcpy(s->boundary, type.boundary, sizeof s->boundary);
    s->source = (struct ingest_source){who->region_id, who->tenant_id, who->account_id, "", ""};
    snprintf(s->source.name, sizeof s->source.name, "account %" PRId64, who->account_id);
    snprintf(s->source.request_id, sizeof s->source.request_id, "%s", req->id);
    s->fd = open_upload(web, req->kept[KEPT_BODY_FILE], &err);
    if (s->fd < 0) {
        fail(s, &err);
        return;
    }
    db_args_init(&a);
    db_arg_id(&a, who->region_id);
    db_arg_id(&a, who->staff_id);
    db_query(web->db, &scope, &SQL_web_staff_name, &a, on_name, s);
}
