#include "media/record/recover.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "media/record/chain.h"
#include "media/record/crc32c.h"
#include "media/record/folder.h"

/* What a walk from the last known checkpoint found. */
struct walk {
    struct recovered *out;
    struct manifest_segment *seg;
    size_t check_at; /* start of the last CHECK, 0: none */
    uint64_t check_n;
    uint8_t check_hash[SHA256_LEN];
    size_t end; /* of the last whole record */
};

static void see_packet(struct walk *w, const struct journal_record *r)
{
    struct recovered *o = w->out;

    if (r->at_us != o->last_us)
        o->last_len = 0;
    o->last_us = r->at_us;
    if (o->last_len < RECOVER_LAST_MAX)
        o->last_crc[o->last_len++] = crc32c(0, r->data, r->len);
    if (w->seg->from_us == 0)
        w->seg->from_us = r->at_us;
    w->seg->to_us = r->at_us;
    o->packets++;
}

static void see(struct walk *w, const struct journal_record *r)
{
    if (r->type == JOURNAL_RTP)
        see_packet(w, r);
    if (r->type == JOURNAL_CHECK && journal_check_decode(&w->check_n, w->check_hash, r->data, r->len))
        w->check_at = r->offset;
    w->seg->records++;
    w->end = r->offset + r->size;
}

/* The manifest's length ends behind a CHECK; reading starts at that CHECK. */
static size_t start_of(struct walk *w, const uint8_t *data, size_t len, size_t header_len)
{
    struct journal_reader r;
    struct journal_record rec;
    uint64_t known = w->seg->bytes;

    if (known < header_len + JOURNAL_CHECK_LEN || known > len)
        return header_len;
    journal_reader_init(&r, data, (size_t)known, (size_t)known - JOURNAL_CHECK_LEN);
    if (journal_next(&r, &rec) != JOURNAL_STEP_RECORD || rec.type != JOURNAL_CHECK ||
        rec.size != JOURNAL_CHECK_LEN)
        return header_len;
    w->seg->records--; /* it is seen again */
    return (size_t)known - JOURNAL_CHECK_LEN;
}

static void walk(struct walk *w, const uint8_t *data, size_t len, size_t header_len)
{
    size_t start = start_of(w, data, len, header_len);
    struct journal_reader r;
    struct journal_record rec;

    if (start == header_len)
        w->seg->records = 0;
    w->end = start;
    journal_reader_init(&r, data, len, start);
    for (;;) {
        switch (journal_next(&r, &rec)) {
        case JOURNAL_STEP_RECORD:
            see(w, &rec);
            break;
        case JOURNAL_STEP_DAMAGE:
            w->out->damaged += rec.size;
            w->seg->records++;
            break;
        case JOURNAL_STEP_TORN:
            w->out->cut = rec.size;
            return;
        case JOURNAL_STEP_DONE:
            return;
        }
    }
}

/* The chain as its writer had it at the end of the last whole record. */
static void rebuild_chain(struct chain *c, const struct walk *w, const uint8_t *data)
{
    uint8_t unused[SHA256_LEN];

    chain_init(c);
    if (w->check_at > 0) {
        chain_block_end(c, unused, w->check_hash);
        c->n = w->check_n;
    }
    chain_add(c, data + w->check_at, w->end - w->check_at);
}

static bool write_end(struct walk *w, struct chain *c, int fd, int64_t now_us, const char *reason,
                      struct err *err)
{
    uint8_t tail[JOURNAL_OVERHEAD + JOURNAL_NAME_MAX + JOURNAL_CHECK_LEN];
    size_t len =
        journal_record_encode(tail, JOURNAL_END, 0, now_us, reason, strnlen(reason, JOURNAL_NAME_MAX - 1));

    chain_add(c, tail, len);
    len += chain_check(c, now_us, tail + len, w->seg->head);
    ssize_t n = pwrite(fd, tail, len, (off_t)w->end);
    if (n >= 0 && (size_t)n != len)
        errno = ENOSPC;
    if (n != (ssize_t)len || ftruncate(fd, (off_t)(w->end + len)) < 0 || fdatasync(fd) < 0) {
        err_errno(err, w->seg->file);
        if (ftruncate(fd, (off_t)w->end) < 0)
            err_add(err, "cut back");
        return false;
    }
    w->seg->records += 2;
    w->seg->bytes = w->end + len;
    return true;
}

/* Is the last thing in the file its proper end? Then only the head is missing in the manifest. */
static bool ended(const struct walk *w, const uint8_t *data, size_t len)
{
    size_t end_min = JOURNAL_OVERHEAD, at = w->check_at;

    if (w->check_at == 0 || w->end != len || w->check_at + JOURNAL_CHECK_LEN != len)
        return false;
    /* An END is at most a reason word long: look back for one that ends where the CHECK begins. */
    for (size_t size = end_min; size < end_min + JOURNAL_NAME_MAX && size < at; size++) {
        struct journal_reader r;
        struct journal_record rec;
        journal_reader_init(&r, data, at, at - size);
        if (journal_next(&r, &rec) == JOURNAL_STEP_RECORD && rec.type == JOURNAL_END && rec.size == size)
            return true;
    }
    return false;
}

static void head_of(struct walk *w, const uint8_t *data)
{
    struct chain c;

    rebuild_chain(&c, w, data);
    chain_finish(&c, w->seg->head);
    w->seg->bytes = w->end;
}

static bool seal(struct walk *w, int fd, const uint8_t *data, size_t len, int64_t now_us, const char *reason,
                 struct err *err)
{
    struct journal_header h;
    struct err why = ERR_INIT;
    size_t header_len;
    struct chain c;

    if (!journal_header_decode(&h, &header_len, data, len, &why)) {
        /* Killed before the first write was whole: there is nothing in it to keep. */
        w->out->cut = len;
        w->seg->bytes = w->seg->records = 0;
        return ftruncate(fd, 0) == 0 || err_errno(err, w->seg->file);
    }
    w->out->ssrc = h.ssrc;
    w->out->last_us = w->seg->to_us;
    walk(w, data, len, header_len);
    if (ended(w, data, len)) {
        head_of(w, data);
        return true;
    }
    rebuild_chain(&c, w, data);
    bool ok = write_end(w, &c, fd, now_us, reason, err);
    chain_free(&c);
    return ok;
}

bool recover_segment(struct recovered *out, int dir_fd, struct manifest_segment *seg, int64_t now_us,
                     const char *reason, struct err *err)
{
    struct manifest_segment after = *seg;
    struct walk w = {.out = out, .seg = &after};
    const uint8_t *data = NULL;
    bool ok = false;
    struct stat st;
    int fd = -1;

    *out = (struct recovered){0};
    if (!folder_file(&fd, dir_fd, seg->file, O_RDWR, err)) {
        if (!err_is(err, ERR_NOT_FOUND))
            return false;
        err_clear(
            err); /* never made, or taken away: verification will say so if something of it was signed */
        seg->sealed = true;
        return true;
    }
    if (fstat(fd, &st) < 0) {
        err_errno(err, seg->file);
        goto out;
    }
    if (st.st_size > 0) {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED) {
            data = NULL;
            err_errno(err, seg->file);
            goto out;
        }
    }
    ok = seal(&w, fd, data, (size_t)st.st_size, now_us, reason, err);
    after.sealed = true;
    if (ok)
        *seg = after;
out:
    if (data)
        munmap((void *)(uintptr_t)data, (size_t)st.st_size);
    close(fd);
    return ok;
}

bool recovered_has(const struct recovered *r, int64_t at_us, const void *packet, size_t len)
{
    if (at_us != r->last_us)
        return at_us < r->last_us;
    uint32_t crc = crc32c(0, packet, len);
    for (size_t i = 0; i < r->last_len; i++)
        if (r->last_crc[i] == crc)
            return true;
    return false;
}
