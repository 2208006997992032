#include "media/record/verify.h"
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "media/record/chain.h"
#include "media/record/folder.h"

struct verify {
    struct verify_summary *sum;
    verify_fn *fn;
    void *arg;
    const char *file;
    struct err *err; /* the first finding goes here */
    int dir_fd;
};

static void found(struct verify *v, struct verify_finding *f, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void found(struct verify *v, struct verify_finding *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    snprintf(f->file, sizeof f->file, "%s", v->file ? v->file : "");
    if (v->sum->findings++ == 0 && v->err)
        err_set(v->err, ERR_CORRUPT, "recording_differs", "%s%s%s: %s", f->file, f->file[0] ? ": " : "",
                f->code, f->text);
    if (v->fn)
        v->fn(v->arg, f);
}

/* --- one segment ------------------------------------------------------------------------------------------ */

/* What was seen since the last CHECK: the span a difference in the chain is known to lie in. */
struct block {
    uint64_t first, offset;
    int64_t from_us, to_us;
    bool damaged; /* already named, by its checksum */
};

static void block_see(struct block *b, const struct journal_record *r)
{
    if (r->type != JOURNAL_RTP && r->type != JOURNAL_SR)
        return;
    if (b->from_us == 0)
        b->from_us = r->at_us;
    b->to_us = r->at_us;
}

static void check_block(struct verify *v, struct chain *c, struct block *b, const struct journal_record *r)
{
    struct verify_finding f = {.code = "chain_differs",
                               .record_first = b->first,
                               .record_last = r->number,
                               .offset = b->offset,
                               .bytes = r->offset + r->size - b->offset,
                               .from_us = b->from_us,
                               .to_us = b->to_us};
    uint8_t is[SHA256_LEN], said[SHA256_LEN];
    uint64_t n;

    if (!journal_check_decode(&n, said, r->data, r->len)) {
        f.code = "record_damaged";
        found(v, &f, "record %" PRIu64 " is no checkpoint", r->number);
        return;
    }
    v->sum->checkpoints++;
    chain_block_end(c, is, said);
    if (!crypto_equal(is, said, SHA256_LEN) && !b->damaged)
        found(v, &f, "records %" PRIu64 " to %" PRIu64 " are not what checkpoint %" PRIu64 " was made over",
              b->first, r->number, n);
    *b = (struct block){.first = r->number, .offset = r->offset};
}

static void damage(struct verify *v, struct block *b, const struct journal_record *r, bool tail)
{
    struct verify_finding f = {.code = tail ? "tail_damaged" : "record_damaged",
                               .record_first = r->number,
                               .record_last = r->number,
                               .offset = r->offset,
                               .bytes = r->size,
                               .from_us = b->to_us};

    b->damaged = true;
    found(v, &f, "record %" PRIu64 " at byte %zu (%zu bytes%s) is not what was written", r->number, r->offset,
          r->size, tail ? ", to the end" : "");
}

static void walk(struct verify *v, struct chain *c, const uint8_t *data, size_t len, size_t header_len)
{
    struct journal_reader reader;
    struct journal_record r;
    struct block b = {0};

    journal_reader_init(&reader, data, len, header_len);
    for (;;) {
        enum journal_step step = journal_next(&reader, &r);
        if (step == JOURNAL_STEP_DONE)
            return;
        if (step == JOURNAL_STEP_RECORD && r.type == JOURNAL_CHECK)
            check_block(v, c, &b, &r);
        if (step == JOURNAL_STEP_RECORD) {
            block_see(&b, &r);
            v->sum->records++;
        } else {
            damage(v, &b, &r, step == JOURNAL_STEP_TORN);
        }
        chain_add(c, data + r.offset, r.size);
        if (step == JOURNAL_STEP_TORN)
            return;
    }
}

static uint64_t segment_bytes(struct verify *v, const uint8_t *data, size_t len, uint8_t head[SHA256_LEN])
{
    uint64_t before = v->sum->findings;
    struct journal_header h;
    struct err why = ERR_INIT;
    struct chain c;
    size_t header_len = 0;

    chain_init(&c);
    if (journal_header_decode(&h, &header_len, data, len, &why)) {
        chain_add(&c, data, header_len);
        walk(v, &c, data, len, header_len);
    } else {
        struct verify_finding f = {.code = "header_damaged", .bytes = len};
        found(v, &f, "%s", why.text);
        chain_add(&c, data, len);
    }
    chain_finish(&c, head);
    return v->sum->findings - before;
}

uint64_t verify_segment(const uint8_t *data, size_t len, uint8_t head[SHA256_LEN], struct verify_summary *sum,
                        verify_fn *fn, void *arg)
{
    struct verify v = {.sum = sum, .fn = fn, .arg = arg, .dir_fd = -1};

    return segment_bytes(&v, data, len, head);
}

/* --- files ------------------------------------------------------------------------------------------------ */

/* Mapped, so that a long recording needs no memory. An empty file maps to NULL with len 0. */
static bool map_file(struct verify *v, const char *name, const uint8_t **data, size_t *len, struct err *err)
{
    struct stat st;
    int fd = -1;

    *data = NULL;
    *len = 0;
    if (!folder_file(&fd, v->dir_fd, name, O_RDONLY, err))
        return false;
    bool ok = fstat(fd, &st) == 0;
    if (ok && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = p != MAP_FAILED;
        if (ok) {
            *data = p;
            *len = (size_t)st.st_size;
            madvise(p, *len, MADV_SEQUENTIAL);
        }
    }
    if (!ok)
        err_errno(err, name);
    close(fd);
    return ok;
}

static void unmap(const uint8_t *data, size_t len)
{
    if (data)
        munmap((void *)(uintptr_t)data, len);
}

/* The signed head covers the first s->bytes; a segment still being written may go on behind them. */
static void check_length(struct verify *v, const struct manifest_segment *s, const uint8_t *data, size_t len)
{
    struct verify_summary unused = {0};
    struct verify quiet = {.sum = &unused, .dir_fd = -1};
    struct verify_finding f = {
        .code = "head_differs", .bytes = s->bytes, .from_us = s->from_us, .to_us = s->to_us};
    uint8_t head[SHA256_LEN];

    if (len < s->bytes) {
        f.code = "segment_shorter";
        found(v, &f, "%zu bytes of the %" PRIu64 " that were signed", len, s->bytes);
        return;
    }
    if (s->sealed && len > s->bytes) {
        f.code = "segment_longer";
        found(v, &f, "%zu bytes, but %" PRIu64 " were signed", len, s->bytes);
        return;
    }
    segment_bytes(&quiet, data, (size_t)s->bytes, head);
    if (s->bytes > 0 && !crypto_equal(head, s->head, SHA256_LEN))
        found(v, &f, "the first %" PRIu64 " bytes do not lead to the signed head", s->bytes);
}

static void check_segment(struct verify *v, const struct manifest_segment *s)
{
    struct verify_finding f = {.code = "segment_missing"};
    struct err why = ERR_INIT;
    uint8_t head[SHA256_LEN];
    const uint8_t *data;
    size_t len;

    v->file = s->file;
    if (!map_file(v, s->file, &data, &len, &why)) {
        found(v, &f, "%s", why.text);
        return;
    }
    v->sum->segments++;
    v->sum->bytes += len;
    /* A segment opened a moment ago may still be empty: nothing of it was signed. */
    uint64_t findings = len == 0 && s->bytes == 0 ? 0 : segment_bytes(v, data, len, head);
    if (findings == 0)
        check_length(v, s, data, len);
    unmap(data, len);
}

static void check_file(struct verify *v, const struct manifest_track *t)
{
    struct verify_finding f = {.code = "file_missing"};
    struct err why = ERR_INIT;
    uint8_t hash[SHA256_LEN];
    const uint8_t *data;
    size_t len;

    v->file = t->file;
    if (!map_file(v, t->file, &data, &len, &why)) {
        found(v, &f, "%s", why.text);
        return;
    }
    v->sum->files++;
    crypto_sha256(data, len, hash);
    f.code = "file_differs";
    if (len != t->bytes || !crypto_equal(hash, t->sha256, SHA256_LEN))
        found(v, &f, "%zu bytes whose SHA-256 is not the signed one", len);
    unmap(data, len);
}

static bool known(const struct manifest *m, const char *name)
{
    for (size_t i = 0; i < m->tracks_len; i++)
        for (size_t k = 0; k < m->tracks[i].segments_len; k++)
            if (strcmp(m->tracks[i].segments[k].file, name) == 0)
                return true;
    return false;
}

static void check_strangers(struct verify *v, const struct manifest *m)
{
    int fd = fcntl(v->dir_fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    rewinddir(dir);
    while ((e = readdir(dir))) {
        struct verify_finding f = {.code = "segment_unknown"};
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".yzj") != 0 || known(m, e->d_name))
            continue;
        v->file = e->d_name;
        found(v, &f, "a journal the manifest does not know");
    }
    closedir(dir);
}

/* --- the whole -------------------------------------------------------------------------------------------- */

static struct manifest *check_manifest(struct verify *v, const uint8_t *trusted)
{
    struct verify_finding f = {.code = "manifest_missing"};
    struct manifest *m = NULL;
    struct err why = ERR_INIT;
    uint8_t *text = NULL;
    size_t len = 0;

    v->file = MANIFEST_FILE;
    if (!folder_read(&text, &len, v->dir_fd, MANIFEST_FILE, MANIFEST_BYTES, &why)) {
        found(v, &f, "%s", why.text);
        return NULL;
    }
    if (!manifest_parse(&m, text, len, &why)) {
        f.code = "manifest_invalid";
        found(v, &f, "%s", why.text);
    } else if (!manifest_signature_check(v->sum->key, text, len, &why)) {
        f.code = strcmp(why.reason, "signature_missing") == 0 ? "signature_missing"
                 : strcmp(why.reason, "head_differs") == 0    ? "head_differs"
                                                              : "signature_differs";
        found(v, &f, "%s", why.text);
    } else if (trusted && !crypto_equal(trusted, v->sum->key, sizeof v->sum->key)) {
        f.code = "key_unknown";
        found(v, &f, "signed by another key than the recorder's");
    }
    free(text);
    return m;
}

static bool open_folder(int *fd, const char *dir, struct err *err)
{
    struct stat st;

    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_NOT_FOUND, "recording_unknown", "%s is not a folder", dir);
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd >= 0 || err_errno(err, dir);
}

bool verify_recording(struct verify_summary *out, const char *dir, const uint8_t *trusted, verify_fn *fn,
                      void *arg, struct err *err)
{
    struct verify v = {.sum = out, .fn = fn, .arg = arg, .err = err, .dir_fd = -1};
    struct manifest *m = NULL;

    *out = (struct verify_summary){0};
    if (!open_folder(&v.dir_fd, dir, err))
        return false;
    m = check_manifest(&v, trusted);
    if (m) {
        out->state = m->state;
        out->tracks = m->tracks_len;
        out->gaps = m->gaps_len;
        for (size_t i = 0; i < m->tracks_len; i++) {
            for (size_t k = 0; k < m->tracks[i].segments_len; k++)
                check_segment(&v, &m->tracks[i].segments[k]);
            if (m->tracks[i].file[0])
                check_file(&v, &m->tracks[i]);
        }
        check_strangers(&v, m);
    }
    manifest_free(m);
    close(v.dir_fd);
    return out->findings == 0;
}
