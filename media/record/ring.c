/* ring.c - see ring.h. Indices count bytes for ever (64 bit); a position is index & (size - 1). */
#include "media/record/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#define RING_MAGIC      UINT64_C(0x31676e6972797a79) /* "yzyring1" */
#define RING_HEADER     4096u
#define RING_SIZE_MIN   (64u * 1024)
#define RING_SIZE_MAX   (1024u * 1024 * 1024)
#define RING_RECORD_MAX (sizeof(struct ring_head) + RING_DATA_MAX)

/* Shared memory. Writer's and reader's words stand in cache lines of their own. */
struct ring_header {
    uint64_t magic;
    uint32_t size;
    uint32_t pad;
    _Alignas(64) _Atomic uint64_t head; /* writer */
    _Alignas(64) _Atomic uint64_t tail; /* reader */
    _Atomic uint32_t reader_sleeping;   /* reader sets, writer clears when it kicks */
};
static_assert(sizeof(struct ring_header) <= RING_HEADER, "header fits its page");

struct ring_head { /* in front of each payload, which is padded to 8 bytes */
    uint32_t len;
    uint16_t kind, flags;
    uint32_t rec, track;
    int64_t arrival_us;
};

struct ring {
    int fd;
    uint32_t size;
    struct ring_header *header;
    uint8_t *data;
    uint64_t at; /* writer: put up to here; reader: shown up to here */
    uint64_t lost;
};

static uint64_t padded(uint32_t len)
{
    return sizeof(struct ring_head) + ((len + 7u) & ~7u);
}

static bool size_ok(uint32_t size)
{
    return size >= RING_SIZE_MIN && size <= RING_SIZE_MAX && (size & (size - 1)) == 0;
}

/* Header page, data, and the same data again, side by side. */
static bool ring_map(struct ring *r, struct err *err)
{
    size_t span = RING_HEADER + 2 * (size_t)r->size;
    uint8_t *base = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED)
        return err_errno(err, "mmap ring");
    if (mmap(base, RING_HEADER + (size_t)r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd, 0) ==
            MAP_FAILED ||
        mmap(base + RING_HEADER + r->size, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd,
             RING_HEADER) == MAP_FAILED) {
        err_errno(err, "mmap ring data");
        munmap(base, span);
        return false;
    }
    r->header = (struct ring_header *)base;
    r->data = base + RING_HEADER;
    return true;
}

bool ring_create(struct ring **out, uint32_t bytes, struct err *err)
{
    struct ring *r = calloc(1, sizeof(*r));
    bool ok = false;

    assert(size_ok(bytes));
    if (!r)
        return err_set(err, ERR_IO, "out_of_memory", "ring");
    r->size = bytes;
    r->fd = memfd_create("yz-record-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (r->fd < 0) {
        err_errno(err, "memfd_create");
        goto out;
    }
    /* Sealed, so that neither side can shrink the file under the other and raise SIGBUS. */
    if (ftruncate(r->fd, (off_t)(RING_HEADER + (size_t)bytes)) < 0 ||
        fcntl(r->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        err_errno(err, "size the ring");
        goto out;
    }
    if (!ring_map(r, err) || !r->header)
        goto out;
    r->header->magic = RING_MAGIC;
    r->header->size = bytes;
    atomic_store(&r->header->reader_sleeping, 1); /* nobody has read yet: the first flush kicks */
    *out = r;
    ok = true;
out:
    if (!ok)
        ring_free(r);
    return ok;
}

bool ring_attach(struct ring **out, int fd, struct err *err)
{
    struct ring *r = NULL;
    struct stat st;
    uint64_t first[2];
    uint32_t size;
    int seals = fcntl(fd, F_GET_SEALS); /* -1 of a file that knows none, which is no ring either */

    if (fstat(fd, &st) < 0)
        return err_errno(err, "fstat ring");
    if (pread(fd, first, sizeof(first), 0) != (ssize_t)sizeof(first) || first[0] != RING_MAGIC)
        return err_set(err, ERR_CORRUPT, "ring_invalid", "not a ring");
    size = (uint32_t)first[1];
    if (!size_ok(size) || st.st_size != (off_t)(RING_HEADER + (size_t)size) || seals < 0 ||
        (seals & F_SEAL_SHRINK) == 0)
        return err_set(err, ERR_CORRUPT, "ring_invalid", "ring of %u bytes in a file of %lld", size,
                       (long long)st.st_size);
    r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, ERR_IO, "out_of_memory", "ring");
    r->fd = fd;
    r->size = size;
    if (!ring_map(r, err)) {
        free(r);
        return false;
    }
    r->at = atomic_load_explicit(&r->header->tail, memory_order_relaxed);
    *out = r;
    return true;
}

void ring_free(struct ring *r)
{
    if (!r)
        return;
    if (r->header)
        munmap(r->header, RING_HEADER + 2 * (size_t)r->size);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}

int ring_fd(const struct ring *r)
{
    return r->fd;
}

uint64_t ring_lost(const struct ring *r)
{
    return r->lost;
}

uint64_t ring_used(const struct ring *r)
{
    return r->at - atomic_load_explicit(&r->header->tail, memory_order_relaxed);
}

/* ---- writer ---- */

static bool room_for(const struct ring *r, uint64_t bytes)
{
    uint64_t used = r->at - atomic_load_explicit(&r->header->tail, memory_order_acquire);

    return used <= r->size && bytes <= r->size - used; /* a tail that lies reads as full */
}

static void put_one(struct ring *r, const struct ring_head *h, const void *data)
{
    uint8_t *p = r->data + (r->at & (r->size - 1));

    memcpy(p, h, sizeof(*h));
    memcpy(p + sizeof(*h), data, h->len);
    r->at += padded(h->len);
}

static void count_lost(struct ring *r, struct ring_source *src, int64_t arrival_us)
{
    if (src->lost.records++ == 0)
        src->lost.since_us = arrival_us;
    src->lost.until_us = arrival_us;
    r->lost++;
}

bool ring_put(struct ring *r, struct ring_source *src, enum ring_kind kind, uint16_t flags,
              int64_t arrival_us, const void *data, uint32_t len)
{
    struct ring_head h = {len, (uint16_t)kind, flags, src->rec, src->track, arrival_us};
    uint64_t need = padded(len) + (src->lost.records ? padded(sizeof(src->lost)) : 0);

    if (len > RING_DATA_MAX || !room_for(r, need)) {
        count_lost(r, src, arrival_us);
        return false;
    }
    if (src->lost.records) {
        struct ring_head gap = {sizeof(src->lost), RING_GAP, 0, src->rec, src->track, src->lost.until_us};

        put_one(r, &gap, &src->lost);
        memset(&src->lost, 0, sizeof(src->lost));
    }
    put_one(r, &h, data);
    return true;
}

bool ring_flush(struct ring *r)
{
    if (atomic_load_explicit(&r->header->head, memory_order_relaxed) == r->at)
        return false;
    /* Both sides write their word, then read the other's, all sequentially consistent: either the writer sees
     * the sleeper or the sleeper sees the new head. */
    atomic_store(&r->header->head, r->at);
    return atomic_exchange(&r->header->reader_sleeping, 0) != 0;
}

/* ---- reader ---- */

bool ring_next(struct ring *r, struct ring_record *out, struct err *err)
{
    uint64_t there = atomic_load_explicit(&r->header->head, memory_order_acquire) - r->at;
    struct ring_head h;

    if (there == 0)
        return false;
    if (there > r->size || there < sizeof(h))
        return err_set(err, ERR_CORRUPT, "ring_torn", "head is %llu bytes away", (unsigned long long)there);
    memcpy(&h, r->data + (r->at & (r->size - 1)), sizeof(h));
    if (h.len > RING_DATA_MAX || padded(h.len) > there)
        return err_set(err, ERR_CORRUPT, "ring_torn", "record of %u bytes", h.len);
    *out = (struct ring_record){
        .kind = (enum ring_kind)h.kind,
        .flags = h.flags,
        .rec = h.rec,
        .track = h.track,
        .arrival_us = h.arrival_us,
        .data = r->data + (r->at & (r->size - 1)) + sizeof(h),
        .len = h.len,
    };
    r->at += padded(h.len);
    return true;
}

void ring_release(struct ring *r)
{
    atomic_store_explicit(&r->header->tail, r->at, memory_order_release);
}

uint64_t ring_position(const struct ring *r)
{
    return r->at;
}

void ring_release_to(struct ring *r, uint64_t position)
{
    assert(r->at - position <= r->size);
    atomic_store_explicit(&r->header->tail, position, memory_order_release);
}

uint64_t ring_held(const struct ring *r)
{
    return r->at - atomic_load_explicit(&r->header->tail, memory_order_relaxed);
}

uint32_t ring_size(const struct ring *r)
{
    return r->size;
}

bool ring_sleep(struct ring *r)
{
    atomic_store(&r->header->reader_sleeping, 1);
    if (atomic_load(&r->header->head) == r->at)
        return true;
    atomic_store(&r->header->reader_sleeping, 0);
    return false;
}
