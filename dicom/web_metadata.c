/* Metadata: what INDEX kept of each instance, put together once per series and kept gzip'd beside the files. */
#include "core/log.h"
#include "core/mem.h"
#include "dicom/web_gzip.h"
#include "dicom/web_index.h"
#include "dicom/web_private.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAMP    64 /* bytes in front of the gzip: which state of the series this is */
#define BLOB_MAX (256u << 20)

/* Worked on by a worker, which reads `found` and nothing else of the loop's. */
struct metadata {
    struct web_found *found;
    char *blob_path; /* NULL: not kept */
    char stamp[STAMP + 1];
    bool gzip; /* the caller takes it so */
    char *bytes;
    size_t len;
    struct err err;
};

static void metadata_free(struct metadata *m)
{
    web_found_free(m->found);
    free(m->blob_path);
    free(m->bytes);
    free(m);
}

/* --- on a worker --- */

static bool read_blob(struct metadata *m)
{
    char *text;
    size_t len;

    if (!m->blob_path || !web_file_read(m->blob_path, BLOB_MAX, &text, &len, NULL))
        return false;
    if (len <= STAMP || memcmp(text, m->stamp, STAMP) != 0) {
        free(text);
        return false;
    }
    memmove(text, text + STAMP, len - STAMP);
    m->bytes = text;
    m->len = len - STAMP;
    return true;
}

/* Whole or not at all: two workers may write the same blob, and somebody may read it meanwhile. */
static void keep_blob(const struct metadata *m)
{
    char *part = mem_format("%s.%d-%p.new", m->blob_path, (int)getpid(), (const void *)m);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok =
        fd >= 0 && write(fd, m->stamp, STAMP) == STAMP && write(fd, m->bytes, m->len) == (ssize_t)m->len;

    if (fd >= 0 && close(fd))
        ok = false;
    if (!ok || rename(part, m->blob_path)) {
        log_warn("metadata_not_kept", LI("errno", errno));
        unlink(part);
    }
    free(part);
}

static bool make_json(const struct metadata *m, struct json_buf *out, struct err *err)
{
    const struct web_found *f = m->found;

    json_buf_add(out, "[", 1);
    for (size_t i = 0; i < f->n; i++) {
        if (i)
            json_buf_add(out, ",\n", 2);
        if (!web_index_attributes(out, f->study_uid, &f->instances[i], err))
            return false;
    }
    json_buf_add(out, "]", 1);
    return true;
}

static void make(void *arg)
{
    struct metadata *m = arg;
    struct json_buf json = {0};
    bool ok = read_blob(m);

    if (!ok && make_json(m, &json, &m->err)) {
        ok = gzip_pack(json.text, json.len, &m->bytes, &m->len, &m->err);
        if (ok && m->blob_path)
            keep_blob(m);
    }
    if (ok && !m->gzip) {
        char *plain;
        size_t len;
        ok = gzip_unpack(m->bytes, m->len, BLOB_MAX, &plain, &len, &m->err);
        if (ok) {
            free(m->bytes);
            m->bytes = plain;
            m->len = len;
        }
    }
    json_buf_free(&json);
}

/* --- on the loop --- */

static void on_made(void *arg)
{
    struct metadata *m = arg;
    struct request *req = m->found->req;

    if (m->err.code) {
        request_problem(req, &m->err, NULL);
    } else {
        request_header(req, "Vary", "Accept-Encoding");
        if (m->gzip)
            request_header(req, "Content-Encoding", "gzip");
        request_answer_text(req, 200, WEB_JSON, m->bytes, m->len);
        m->bytes = NULL;
    }
    metadata_free(m);
}

/* The files of a study lie in one folder; a series' blob and the study's lie there, too. */
static char *blob_path(const struct web_found *f)
{
    const char *path = f->instances[0].index_path, *slash = strrchr(path, '/');
    bool whole = strstr(f->req->route->path, "series_uid") == NULL;

    if (strstr(f->req->route->path, "instance_uid"))
        return NULL;
    return mem_format("%.*s/%s%" PRId64 ".meta", (int)(slash - path), path, whole ? "study-" : "",
                      whole ? f->study_id : f->instances[0].series_id);
}

static void on_found(struct web_found *f)
{
    struct request *req = f->req;
    struct metadata *m;
    char etag[64];

    snprintf(etag, sizeof etag, "\"%" PRIx64 "-%" PRId64 "-%zu\"", (uint64_t)f->instances[0].id,
             f->series_version, f->n);
    request_header(req, "ETag", etag);
    request_header(req, "Cache-Control", "private, no-cache");
    if (!strcmp(req->if_none_match, etag)) {
        web_found_free(f);
        request_answer_empty(req, 304);
        return;
    }
    m = mem_new(sizeof *m);
    m->found = f;
    m->blob_path = blob_path(f);
    m->gzip = strstr(req->accept_encoding, "gzip") != NULL;
    snprintf(m->stamp, sizeof m->stamp, "yz-metadata-1 %020" PRId64 " %010zu%*s\n", f->series_version, f->n,
             STAMP - 46, "");
    if (!web_work(req, make, on_made, m))
        metadata_free(m);
}

void web_metadata(struct request *req)
{
    if (accept_only(req, WEB_JSON, "application/json"))
        web_find(req, on_found);
}
