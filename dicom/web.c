#include "dicom/web_private.h"
#include "dicom/web_shelf.h"
#include "core/config.h"
#include "core/db/db.h"
#include "core/log.h"
#include "core/mem.h"
#include "records/roles.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKERS     3
#define WORKERS_MAX 512
#define STORERS     (ROLE_OPERATOR | ROLE_TOWNSHIP_DOCTOR)

static const char *const HEADERS[] = {"x-yz-identity:", "x-body-file:", NULL};

#define ROOT     "/dicomweb"
#define STUDY    ROOT "/studies/{study_uid}"
#define SERIES   STUDY "/series/{series_uid}"
#define INSTANCE SERIES "/instances/{instance_uid}"

/* clang-format off */
#define GET(p, fn)            {.method = HTTP_GET, .path = p, .handler = fn}
#define STORE(p, fn)          {.method = HTTP_POST, .path = p, .roles = STORERS, .flags = ROUTE_SLOW, .handler = fn}

static const struct route ROUTES[] = {
    GET(ROOT "/studies", web_studies),
    STORE(ROOT "/studies", web_store),
    GET(ROOT "/series", web_series),
    GET(ROOT "/instances", web_instances),
    GET(STUDY "/series", web_series),
    GET(STUDY "/instances", web_instances),
    GET(SERIES "/instances", web_instances),
    STORE(STUDY, web_store),
    GET(STUDY, web_retrieve),
    GET(SERIES, web_retrieve),
    GET(INSTANCE, web_retrieve),
    GET(STUDY "/metadata", web_metadata),
    GET(SERIES "/metadata", web_metadata),
    GET(INSTANCE "/metadata", web_metadata),
    GET(INSTANCE "/frames/{frame_list}", web_frames),
    GET(INSTANCE "/rendered", web_rendered),
    GET(INSTANCE "/frames/{frame_list}/rendered", web_rendered),
    GET(STUDY "/thumbnail", web_thumbnail),
    GET(SERIES "/thumbnail", web_thumbnail),
    GET(INSTANCE "/thumbnail", web_thumbnail),
    GET(INSTANCE "/frames/{frame_list}/thumbnail", web_thumbnail),
    GET(INSTANCE "/waveform", web_waveform),
};
/* clang-format on */

/* A page of another site may not send with our cookie; browsers say where a page is from. */
static bool may_pass(struct request *req)
{
    const char *authority = strstr(req->origin, "://");

    if (req->method != HTTP_POST || !*req->origin || (authority && !strcasecmp(authority + 3, req->host)))
        return true;
    request_refuse(req, ERR_DENIED, "origin_foreign", "an upload from another site's page");
    return false;
}

static void routed(struct request *req)
{
    const char *line = req->kept[KEPT_IDENTITY];
    struct caller who;

    if (!caller_parse(&who, line, strlen(line)) || who.region_id != web_of(req)->config.region_id) {
        request_header(req, "WWW-Authenticate", "Bearer");
        request_refuse(req, ERR_UNAUTHENTICATED, "not_logged_in", "no identity of this region");
        return;
    }
    request_set_who(req, mem_copy(&who, sizeof who), free);
    if (req->route->roles && !(req->route->roles & who.roles)) {
        request_refuse(req, ERR_DENIED, "role_missing", "none of the account's roles is in the route's row");
        return;
    }
    req->route->handler(req);
}

char *web_base(const struct request *req)
{
    return mem_format("%s://%s", req->https ? "https" : "http", *req->host ? req->host : "localhost");
}

bool web_work(struct request *req, work_fn *work, work_done_fn *done, void *job)
{
    struct err err = ERR_INIT;

    if (web_of(req)->ending)
        err_set(&err, ERR_AGAIN, "busy", "going down");
    else if (workers_run(web_of(req)->workers, work, done, job, &err))
        return true;
    request_problem(req, &err, NULL);
    return false;
}

/* --- decoders --- */

/* Every job of ours that is out, so that none comes back to what is no more. */
struct web_job {
    struct web *web;
    struct decode_job *job;
    decoders_fn *fn;
    void *arg;
    struct web_job *prev, *next;
};

static void job_end(struct web_job *j, struct decode_result *result, const struct err *err)
{
    decoders_fn *fn = j->fn;
    void *arg = j->arg;

    if (j->prev)
        j->prev->next = j->next;
    else
        j->web->jobs = j->next;
    if (j->next)
        j->next->prev = j->prev;
    free(j);
    fn(arg, result, err);
}

static void on_decoded(void *arg, struct decode_result *result, const struct err *err)
{
    job_end(arg, result, err);
}

bool web_decode(struct web *web, const struct decode_params *params, const char *path, decoders_fn *fn,
                void *arg, struct err *err)
{
    int in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct web_job *j;

    if (in < 0)
        return err_errno(err, "open an instance");
    j = mem_new(sizeof *j);
    *j = (struct web_job){.web = web, .fn = fn, .arg = arg, .next = web->jobs};
    j->job = decoders_run(web->config.decoders, DECODERS_SOMEBODY_WAITS, params, in, -1, on_decoded, j);
    close(in);
    if (!j->job) {
        free(j);
        return err_set(err, ERR_AGAIN, "decoder_busy", "too many frames wait for a decoder");
    }
    if (web->jobs)
        web->jobs->prev = j;
    web->jobs = j;
    return true;
}

static void end_jobs(struct web *web)
{
    static const struct err DOWN = {ERR_AGAIN, "busy", "going down"};

    while (web->jobs) {
        decoders_forget(web->jobs->job);
        job_end(web->jobs, NULL, &DOWN);
    }
}

/* --- life --- */

static bool open_db(struct web *web, struct err *err)
{
    struct db_options opt = {
        .conninfo = web->config.conninfo, .short_conns = 2, .tx_conns = 1, .role_name = "yz_dicomd"};

    return db_open(&web->db, web->config.loop, &opt, err);
}

static bool listen_here(struct web *web, struct err *err)
{
    struct http_app app = {
        .name = "dicomd",
        .title = "yunzhen",
        .arg = web,
        .loop = web->config.loop,
        .routes = {ROUTES, sizeof ROUTES / sizeof *ROUTES},
        .headers = HEADERS,
        .may_pass = may_pass,
        .routed = routed,
    };
    char *path = mem_format("%s/run/dicomd.sock", web->config.data);
    bool ok = http_server_new(&web->http, &app, path, err);

    free(path);
    return ok;
}

bool web_new(struct web **out, const struct web_config *config, struct err *err)
{
    struct web *web = mem_new(sizeof *web);
    char writer[32];

    web->config = *config;
    web->imaging = mem_format("%s/imaging", config->data);
    web->uploads = mem_format("%s/nginx/tmp/body", config->data);
    snprintf(writer, sizeof writer, "dicom-web-%u", config->node);
    problem_book(&WEB_PROBLEMS);
    web->shelf = shelf_new();
    if (!open_db(web, err) || !workers_new(&web->workers, config->loop, WORKERS, WORKERS_MAX, err))
        goto fail;
    web->trail =
        trail_new(&(struct trail_config){config->loop, web->db, config->ids, config->region_id, writer});
    if (!listen_here(web, err))
        goto fail;
    *out = web;
    return true;
fail:
    web_free(web);
    return false;
}

void web_run(struct web *web)
{
    http_server_run(web->http);
}

/* Connections go first, so nobody waits any more; then whatever can still call back. */
void web_free(struct web *web)
{
    if (!web)
        return;
    http_server_free(web->http);
    web->ending = true;
    if (web->workers)
        workers_free(web->workers);
    end_jobs(web);
    db_close(web->db);
    trail_free(web->trail);
    web_find_end(web);
    shelf_free(web->shelf);
    free(web->imaging);
    free(web->uploads);
    free(web);
}
