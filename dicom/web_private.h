/* web_private.h - what the files of the HTTP side share. Everything runs on the daemon's loop unless it says otherwise. */
#pragma once
#include "core/http/http_server.h"
#include "core/mailbox.h"
#include "dicom/caller.h"
#include "dicom/decoders.h"
#include "dicom/web.h"
#include "records/trail.h"

struct db;
struct look;
struct shelf;
struct web_body;
struct web_job;

#define WEB_UID     65
#define WEB_STREAM  (512 * 1024) /* bytes of a streamed answer in memory at once */
#define WEB_JSON    "application/dicom+json"
#define WEB_OCTETS  "application/octet-stream"
#define SYNTAX_ILE  "1.2.840.10008.1.2"
#define SYNTAX_ELE  "1.2.840.10008.1.2.1"
#define SYNTAX_EBE  "1.2.840.10008.1.2.2"
#define SYNTAX_DEFL "1.2.840.10008.1.2.1.99"

enum web_kept { KEPT_IDENTITY, KEPT_BODY_FILE }; /* request's kept headers */

struct web {
    struct web_config config;
    char *imaging; /* <data>/imaging */
    char *uploads; /* <data>/nginx/tmp/body */
    struct db *db;
    struct workers *workers;
    struct trail *trail;
    struct http_server *http;
    struct look *looks;   /* audit rows on their way */
    struct web_job *jobs; /* frames at the decoders */
    struct shelf *shelf;
    bool ending;
};

static inline struct web *web_of(const struct request *req)
{
    return req->app;
}

static inline const struct caller *caller_of(const struct request *req)
{
    return req->who;
}

/** "https://host" as the caller wrote it, for addresses in answers; freed by the caller. */
char *web_base(const struct request *req);
/** Work that reads files: done() on the loop. Without a free worker the request is refused and false given. */
bool web_work(struct request *req, work_fn *work, work_done_fn *done, void *job);
/** One job for the decoders on the file at path. fn is called exactly once, also when the daemon goes (result NULL). */
bool web_decode(struct web *web, const struct decode_params *params, const char *path, decoders_fn *fn,
                void *arg, struct err *err);

/* --- web_find.c: what an address names, if the caller may see it, and the audit row before anybody sees --- */

struct web_instance {
    int64_t id, series_id;
    int number, frames;
    int64_t bytes;
    char series_uid[WEB_UID], sop_uid[WEB_UID], sop_class[WEB_UID], syntax[WEB_UID];
    char *path, *index_path; /* whole paths */
};

struct web_found {
    struct request *req;
    int64_t study_id, tenant_id, person_id;
    char study_uid[WEB_UID];
    char *viewer;                   /* the caller's name when he is staff, else "" */
    int64_t series_version;         /* of all series found, added up: grows with every instance */
    struct web_instance *instances; /* by series number, then instance number */
    size_t n;
};
/** Answers the request itself or hands it on to whoever uses found->req; found is freed with web_found_free(). */
typedef void web_found_fn(struct web_found *found);

/** Path parameters 0..2 are study, series, instance, as far as the row has them. The view is audited (once per account, study
 * and hour) before fn() is called; with nothing there the request is answered 404 instead. */
void web_find(struct request *req, web_found_fn *fn);
/** The request goes on living; NULL is fine. */
void web_found_free(struct web_found *f);
void web_find_end(struct web *web); /* forget what waits */

/** Headers for the browser's cache: it may keep the answer for its user and must ask each time, so that whoever sits there next is
 * asked who he is. what: the representation, when an address has several. @return true: the caller has it, 304 was answered */
bool web_unchanged(struct request *req, const struct web_instance *in, const char *what);

/* --- web_body.c: an answer of texts, parts of files, and frames that are decoded as they leave --- */

struct web_body *web_body_new(struct web *web);
/** Before it was sent. */
void web_body_free(struct web_body *b);
void web_body_text(struct web_body *b, const char *text);
void web_body_bytes(struct web_body *b, char *bytes, size_t len); /* malloc'ed, taken */
void web_body_file(struct web_body *b, const char *path, uint64_t offset, uint64_t length);
void web_body_fd(struct web_body *b, int fd, uint64_t length); /* a memfd; taken */
void web_body_frame(struct web_body *b, const char *path, uint32_t frame);
/** Takes the body and ends the handler's part. type may have parameters. */
void web_body_send(struct web_body *b, struct request *req, int status, const char *type);

/* --- web_accept.c: what the caller takes (RFC 9110 12.5.1, PS3.18 8.7) --- */

struct accept_range {
    char media[64], syntax[WEB_UID]; /* of the part when multi */
    bool multi;                      /* multipart/related */
    int q;                           /* 0 … 1000 */
};
#define ACCEPT_MAX 16
struct accept {
    struct accept_range ranges[ACCEPT_MAX]; /* best first */
    int n;
};
/** The query parameter `accept` before the header; neither: everything. Pure; any thread. */
void accept_parse(struct accept *out, const char *header, const char *query);
void accept_of(struct accept *out, const struct request *req);
/** Does the range take that media type? */
bool accept_takes(const struct accept_range *r, const char *media);
/** One type alone, not in parts; answers 406 itself when it is not taken. also is another name for it, or NULL. */
bool accept_only(struct request *req, const char *media, const char *also);
/** 406, and what there would be. */
void accept_refuse(struct request *req, const char *there_is);

/* --- the handlers: web_query.c, web_stow.c, web_retrieve.c, web_metadata.c, web_frames.c, web_picture.c --- */

void web_studies(struct request *req);
void web_series(struct request *req);
void web_instances(struct request *req);
void web_store(struct request *req);
void web_retrieve(struct request *req);
void web_metadata(struct request *req);
void web_frames(struct request *req);
void web_rendered(struct request *req);
void web_thumbnail(struct request *req);
void web_waveform(struct request *req);

extern const struct problem_book WEB_PROBLEMS; /* web_problem.c */
