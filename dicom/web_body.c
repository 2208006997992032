/* An answer that is longer than memory should hold: pieces are read by a worker, one at a time, as the reader takes them. */
#include "core/log.h"
#include "core/mem.h"
#include "dicom/web_private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { TEXT, PART, HELD, FRAME };

struct section {
    enum kind kind;
    char *text;   /* TEXT: the bytes; PART, FRAME: the file's path */
    int fd;       /* HELD: what is read and then closed */
    uint64_t at;  /* PART: where it begins */
    uint64_t len; /* not of a FRAME */
    uint32_t frame;
};

struct web_body {
    struct web *web;
    struct section *sections;
    size_t n, cap;
    bool length_known;
    uint64_t length;
    /* on its way out */
    size_t now;    /* section */
    uint64_t done; /* of it */
    int file;      /* of the section's path, kept for the next section of the same file */
    char *file_path;
    /* the piece being made; the worker's while it works */
    struct request *req;
    char *piece;
    size_t piece_len;
    bool failed;
};

struct web_body *web_body_new(struct web *web)
{
    struct web_body *b = mem_new(sizeof *b);

    b->web = web;
    b->file = -1;
    b->length_known = true;
    return b;
}

static void close_file(struct web_body *b)
{
    if (b->file >= 0)
        close(b->file);
    b->file = -1;
    free(b->file_path);
    b->file_path = NULL;
}

void web_body_free(struct web_body *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->sections[i].text);
        if (b->sections[i].fd >= 0)
            close(b->sections[i].fd);
    }
    close_file(b);
    free(b->sections);
    free(b->piece);
    free(b);
}

static struct section *append(struct web_body *b, enum kind kind, uint64_t len)
{
    struct section *s;

    if (b->n == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 8;
        b->sections = mem_grow(b->sections, b->cap * sizeof *b->sections);
    }
    s = &b->sections[b->n++];
    *s = (struct section){.kind = kind, .fd = -1, .len = len};
    b->length += len;
    return s;
}

void web_body_bytes(struct web_body *b, char *bytes, size_t len)
{
    append(b, TEXT, len)->text = bytes;
}

void web_body_text(struct web_body *b, const char *text)
{
    web_body_bytes(b, mem_str(text), strlen(text));
}

void web_body_file(struct web_body *b, const char *path, uint64_t offset, uint64_t length)
{
    struct section *s = append(b, PART, length);

    s->text = mem_str(path);
    s->at = offset;
}

void web_body_fd(struct web_body *b, int fd, uint64_t length)
{
    append(b, HELD, length)->fd = fd;
}

void web_body_frame(struct web_body *b, const char *path, uint32_t frame)
{
    struct section *s = append(b, FRAME, 0);

    s->text = mem_str(path);
    s->frame = frame;
    b->length_known = false;
}

/* --- pieces --- */

/* Runs on: a worker. */
static int file_of(struct web_body *b, struct section *s)
{
    if (s->kind == HELD)
        return s->fd;
    if (b->file_path && !strcmp(b->file_path, s->text))
        return b->file;
    close_file(b);
    b->file = open(s->text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (b->file >= 0)
        b->file_path = mem_str(s->text);
    return b->file;
}

/* Runs on: a worker. */
static bool copy_some(struct web_body *b, struct section *s)
{
    uint64_t left = s->len - b->done;
    size_t room = WEB_STREAM - b->piece_len, n = left < room ? (size_t)left : room;
    ssize_t got;

    if (!n)
        return true;
    if (s->kind == TEXT) {
        memcpy(b->piece + b->piece_len, s->text + b->done, n);
        got = (ssize_t)n;
    } else {
        int fd = file_of(b, s);
        got = fd < 0 ? -1 : pread(fd, b->piece + b->piece_len, n, (off_t)(s->at + b->done));
    }
    if (got <= 0)
        return got < 0 &&
               errno == EINTR; /* the end of a file before the end of what it should hold is a fault, too */
    b->piece_len += (size_t)got;
    b->done += (uint64_t)got;
    return true;
}

/* Runs on: a worker. Up to a whole piece, or up to the next frame that has to be decoded. */
static void fill(void *arg)
{
    struct web_body *b = arg;

    while (!b->failed && b->now < b->n && b->piece_len < WEB_STREAM) {
        struct section *s = &b->sections[b->now];
        if (s->kind == FRAME)
            return;
        b->failed = !copy_some(b, s);
        if (b->done == s->len) {
            b->now++;
            b->done = 0;
        }
    }
}

static void give(struct web_body *b)
{
    struct request *req = b->req;
    char *piece = b->piece;

    b->req = NULL;
    b->piece = NULL;
    if (b->failed) {
        free(piece);
        log_warn("answer_cut", LS("request_id", req->id),
                 LS("section", b->now < b->n ? b->sections[b->now].text : ""));
        request_broken(req);
        return;
    }
    request_more(req, piece, b->piece_len, b->now == b->n);
}

static void work_on(struct web_body *b);

static void on_frame(void *arg, struct decode_result *result, const struct err *err)
{
    struct web_body *b = arg;
    struct section *s = &b->sections[b->now];

    if (err->code) {
        log_warn("frame_not_decoded", LERR(err));
        b->failed = true;
        give(b);
        return;
    }
    s->kind = HELD;
    s->at = 0;
    s->len = result->answer.bytes;
    s->fd = result->fd;
    result->fd = -1;
    work_on(b);
}

static void decode(struct web_body *b, struct section *s)
{
    struct decode_params p = {.op = DECODE_FRAME, .frame = s->frame};
    struct err err = ERR_INIT;

    if (web_decode(b->web, &p, s->text, on_frame, b, &err))
        return;
    log_warn("frame_not_decoded", LERR(&err));
    b->failed = true;
    give(b);
}

static void on_filled(void *arg)
{
    struct web_body *b = arg;

    if (!b->failed && b->now < b->n && b->sections[b->now].kind == FRAME && !b->piece_len)
        decode(b, &b->sections[b->now]);
    else
        give(b);
}

static void work_on(struct web_body *b)
{
    if (!b->web->ending && workers_run(b->web->workers, fill, on_filled, b, NULL))
        return;
    b->failed = true;
    give(b);
}

static void next(void *arg, struct request *req)
{
    struct web_body *b = arg;

    b->req = req;
    b->piece = mem_grow(NULL, WEB_STREAM);
    b->piece_len = 0;
    work_on(b);
}

static void done(void *arg)
{
    web_body_free(arg);
}

void web_body_send(struct web_body *b, struct request *req, int status, const char *type)
{
    struct answer_stream stream = {next, done, b};

    request_header(req, "Content-Type", type);
    request_answer_stream(req, status, NULL, b->length_known ? (size_t)b->length : ANSWER_LENGTH_UNKNOWN,
                          &stream);
}
