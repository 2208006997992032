#include "signaling/paper.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/child.h"
#include "core/config.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "records/trail.h"
#include "signaling/paper.sql.h"
#include "signaling/paper_sheet.h"
#include "signaling/signald.h"

#define PRINTERS_MAX 4 /* children at a time: a clinic prints one paper after the other */
#define PRINT_US     (20 * INT64_C(1000000))
static const struct sandbox_limits PRINTER = {.memory_bytes = 2u << 30,
                                              .heap_bytes = 512u << 20,
                                              .file_bytes = 32u << 20,
                                              .cpu_s = 15,
                                              .open_files = 64};

static unsigned printers; /* running */

/* One paper on its way, from the row to nginx. */
struct job {
    struct request *req;
    struct child *child;
    int64_t exam_id, tenant_id, person_id;
    int version;
    char *sheet; /* JSON text */
    size_t sheet_len;
    char dir[640];  /* <data>/documents/<region>/<exam> */
    char name[64];  /* v1-0123456789abcdef */
    int dir_fd;     /* -1: not open */
    bool made;      /* the paper is there */
    struct err err; /* of a worker */
};

static void job_free(struct job *j)
{
    child_free(j->child);
    if (j->dir_fd >= 0)
        close(j->dir_fd);
    free(j->sheet);
    free(j);
}

static void fail(struct job *j, const struct err *err)
{
    request_problem(j->req, err, NULL);
    job_free(j);
}

/* ---------------------------------------------------------------- the answer, after the audit row */

static void on_audited(void *arg, const struct err *err)
{
    struct job *j = arg;
    char text[256];

    if (err) {
        fail(j, err);
        return;
    }
    snprintf(text, sizeof text, "/internal/documents/%" PRId64 "/%" PRId64 "/%s.pdf",
             request_app(j->req)->region_id, j->exam_id, j->name);
    request_header(j->req, "X-Accel-Redirect", text);
    snprintf(text, sizeof text, "inline; filename=\"report-%" PRId64 "-v%d.pdf\"", j->exam_id, j->version);
    request_header(j->req, "Content-Disposition", text);
    request_answer_lent(j->req, 200, "application/pdf", "", 0, NULL);
    job_free(j);
}

static void audit(struct job *j)
{
    const struct identity *who = j->req->who;
    char detail[48];
    struct trail_entry e = {
        .tenant_id = j->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .actor_name = who->staff_id ? who->name : "",
        .person_id = j->person_id,
        .subject_kind = "exam",
        .subject_id = j->exam_id,
        .action = "report.print",
        .outcome = "ok",
        .request_id = j->req->id,
        .detail = detail,
        .done = on_audited,
        .arg = j,
    };

    snprintf(detail, sizeof detail, "{\"version\":%d}", j->version);
    trail_add(request_app(j->req)->trail, &e);
}

/* ---------------------------------------------------------------- on a worker thread: the folder and its files */

static bool make_dirs(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool write_sheet(struct job *j, const char *name)
{
    int fd = openat(j->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && write(fd, j->sheet, j->sheet_len) == (ssize_t)j->sheet_len;

    return (fd < 0 || close(fd) == 0) && ok;
}

/* Names while it is being made belong to this request alone: two may print the same paper, the last rename wins. */
static void part_name(const struct job *j, const char *kind, char out[192])
{
    snprintf(out, 192, ".%s-%s.%s", j->name, j->req->id, kind);
}

static void prepare(void *arg)
{
    struct job *j = arg;
    char name[192];

    snprintf(name, sizeof name, "%s.pdf", j->name);
    if (!make_dirs(j->dir) || (j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        err_errno(&j->err, "the folder of documents");
        return;
    }
    j->made = faccessat(j->dir_fd, name, R_OK, 0) == 0;
    part_name(j, "json", name);
    if (!j->made && !write_sheet(j, name))
        err_errno(&j->err, "the description of a document");
}

static void put_away(void *arg)
{
    struct job *j = arg;
    char from[192], to[80];

    part_name(j, "json", from);
    unlinkat(j->dir_fd, from, 0);
    part_name(j, "pdf", from);
    snprintf(to, sizeof to, "%s.pdf", j->name);
    if (j->err.code)
        unlinkat(j->dir_fd, from, 0);
    else if (renameat(j->dir_fd, from, j->dir_fd, to) < 0)
        err_errno(&j->err, "name the finished document");
}

static void on_put_away(void *arg)
{
    struct job *j = arg;

    if (j->err.code)
        fail(j, &j->err);
    else
        audit(j);
}

/* ---------------------------------------------------------------- the printer */

static void printer_path(char *out, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", out, cap - 1);
    char *slash;

    out[n > 0 ? n : 0] = '\0';
    slash = strrchr(out, '/');
    snprintf(slash ? slash + 1 : out, cap - (size_t)(slash ? slash + 1 - out : 0), "yz-print");
}

static void on_printed(void *arg, enum child_end end, int code, const char *answer)
{
    struct job *j = arg;
    struct err busy = ERR_INIT;

    printers--;
    if (end != CHILD_OK) {
        err_set(&j->err, end == CHILD_TIMEOUT ? ERR_AGAIN : ERR_INTERNAL, "print_failed",
                "yz-print ended with %d/%d: %.40s", (int)end, code, answer);
        log_error("print_failed", LID("exam", j->exam_id), LERR(&j->err));
    }
    if (!workers_run(request_app(j->req)->workers, put_away, on_put_away, j, &busy))
        fail(j, &busy);
}

static void on_prepared(void *arg)
{
    struct job *j = arg;
    char program[512], sheet[192], paper[192];
    const char *argv[] = {program, sheet, paper, NULL};
    struct child_spec spec = {.argv = argv, .dir_fd = j->dir_fd, .limits = PRINTER, .timeout_us = PRINT_US};

    if (j->err.code) {
        fail(j, &j->err);
        return;
    }
    if (j->made) {
        audit(j);
        return;
    }
    if (printers >= PRINTERS_MAX) {
        err_set(&j->err, ERR_AGAIN, "busy", "%u papers are being printed", printers);
        fail(j, &j->err);
        return;
    }
    printer_path(program, sizeof program);
    part_name(j, "json", sheet);
    part_name(j, "pdf", paper);
    if (child_start(&j->child, request_app(j->req)->loop, &spec, on_printed, j, &j->err))
        printers++;
    else
        fail(j, &j->err);
}

/* ---------------------------------------------------------------- the row */

static struct paper paper_of(const struct db_rows *r)
{
    return (struct paper){
        .version = (int)db_i64(r, 0, 0),
        .newest = (int)db_i64(r, 0, 1),
        .tenant_id = db_i64(r, 0, 2),
        .person_id = db_i64(r, 0, 3),
        .modality = db_str(r, 0, 4),
        .procedure = db_str(r, 0, 5),
        .question = db_str(r, 0, 6),
        .accession_no = db_str(r, 0, 7),
        .name = db_str(r, 0, 8),
        .sex = db_str(r, 0, 9),
        .birth_date = db_str(r, 0, 10),
        .author_house = db_str(r, 0, 11),
        .examining_house = db_str(r, 0, 12),
        .findings = db_str(r, 0, 13),
        .impression = db_str(r, 0, 14),
        .critical_finding = db_str(r, 0, 15),
        .reason = db_str(r, 0, 16),
        .doctor = db_str(r, 0, 17),
        .signed_at_us = db_i64(r, 0, 18),
        .code = db_str(r, 0, 19),
        .study_at_us = db_i64(r, 0, 20),
    };
}

/* Where the caller reached us is where the code leads back to, unless the operator says otherwise. */
static void origin_of(const struct request *req, char *out, size_t cap)
{
    const char *set = config_str(request_app(req)->config, "site.origin");

    if (*set)
        snprintf(out, cap, "%s", set);
    else
        snprintf(out, cap, "%s://%s", req->https ? "https" : "http", req->host);
}

static void job_fill(struct job *j, const struct paper *p)
{
    char origin[300], hex[2 * SHA256_LEN + 1];
    uint8_t hash[SHA256_LEN];
    json_t *sheet;

    origin_of(j->req, origin, sizeof origin);
    sheet = paper_sheet(p, origin);
    j->sheet = json_text(sheet, &j->sheet_len);
    json_decref(sheet);
    crypto_sha256(j->sheet, j->sheet_len, hash);
    crypto_hex(hash, sizeof hash, hex);
    j->version = p->version;
    j->tenant_id = p->tenant_id;
    j->person_id = p->person_id;
    snprintf(j->name, sizeof j->name, "v%d-%.16s", p->version, hex);
    snprintf(j->dir, sizeof j->dir, "%s/%" PRId64 "/%" PRId64, request_app(j->req)->documents_dir,
             request_app(j->req)->region_id, j->exam_id);
}

static void on_row(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct job *j = arg;

    if (err) {
        fail(j, err);
        return;
    }
    if (rows->n != 1) {
        fail(j, &(struct err){ERR_NOT_FOUND, "not_found", "no such exam, or no report of it"});
        return;
    }
    struct paper p = paper_of(rows);
    job_fill(j, &p);
    if (!workers_run(request_app(j->req)->workers, prepare, on_prepared, j, &j->err))
        fail(j, &j->err);
}

static bool version_of(const struct request *req, int64_t *out)
{
    const char *text = request_query(req, "version");
    char *end;

    *out = 0;
    if (!text)
        return true;
    *out = strtoll(text, &end, 10);
    return *text && !*end && *out > 0 && *out <= INT32_MAX;
}

void paper_get(struct request *req)
{
    struct db_scope scope = identity_scope(req->who);
    struct db_args a;
    int64_t version;
    struct job *j;

    if (!version_of(req, &version)) {
        request_refuse(req, ERR_INVALID, "bad_value", "version is a positive number");
        return;
    }
    j = mem_new(sizeof *j);
    j->req = req;
    j->dir_fd = -1;
    j->exam_id = request_param_id(req, 0);
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, j->exam_id);
    db_arg_i64(&a, version);
    db_query(request_app(req)->db, &scope, &SQL_paper_of_report, &a, on_row, j);
}
