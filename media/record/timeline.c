#include "media/record/timeline.h"
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

/* RFC 3550 A.1: a step of more than this ahead, or this far back, is a source that began anew, if the next packet
 * agrees. Retransmissions come far later than reordering, so back is wider than the RFC's 100. */
#define DROPOUT_MAX  3000
#define MISORDER_MAX 3000
/* Between a source's numbers before and after it began anew, and between segments: whatever comes late, at most half a
 * turn, stays behind; and what is left of it in 16 bits is still a step forward. */
#define ERA_STEP    (65536 + 6001)
#define BASE        (1u << 20) /* the first number: whatever comes late still stays above zero */
#define LATE_MAX_US INT64_C(5000000)
#define TIME_MAX_US (INT64_C(1) << 53)
/* The least delay is looked for in windows; a drift needs two windows this far apart to be believed. */
#define WINDOW_US    INT64_C(10000000)
#define DRIFT_MIN_US INT64_C(120000000)
#define DRIFT_PPM    500

struct sr {
    uint32_t rtp;
    int64_t us; /* the sender's clock */
};

/* What one segment holds; packets are appended to the timeline's. */
struct reading {
    struct timeline *tl;
    struct journal_header header;
    size_t cap, first; /* packets; the first of this segment */
    struct sr *srs;
    size_t srs_len;
};

/* --- reading ---------------------------------------------------------------------------------------------- */

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 3550 5.1. false: not a packet with a payload. */
static bool rtp_payload(const uint8_t *p, size_t len, uint32_t *at, uint32_t *payload_len)
{
    size_t head = 12 + 4 * (size_t)(p[0] & 15), pad = 0;

    if (len < head)
        return false;
    if (p[0] & 0x10) {
        if (len < head + 4)
            return false;
        head += 4 + 4 * (size_t)be16(p + head + 2);
    }
    if (p[0] & 0x20)
        pad = p[len - 1];
    if (head + pad >= len)
        return false;
    *at = (uint32_t)head;
    *payload_len = (uint32_t)(len - head - pad);
    return true;
}

static bool take_packet(struct reading *rd, const struct journal_record *r)
{
    struct timeline *tl = rd->tl;
    struct timeline_packet p = {
        .data = r->data, .len = (uint32_t)r->len, .at_us = r->at_us, .flags = r->flags};

    if (r->len < 12 || r->at_us < 0 || r->at_us > TIME_MAX_US || (r->data[0] >> 6) != 2 ||
        (r->data[1] & 127) != rd->header.pt || be32(r->data + 8) != rd->header.ssrc ||
        !rtp_payload(r->data, r->len, &p.payload_at, &p.payload_len)) {
        tl->strange++;
        return true;
    }
    if (tl->len == rd->cap) {
        if (tl->len >= TIMELINE_MAX)
            return false;
        rd->cap = rd->cap ? rd->cap * 2 : 4096;
        tl->packets = mem_grow(tl->packets, rd->cap * sizeof *tl->packets);
    }
    p.seq = be16(r->data + 2);
    p.rtp = be32(r->data + 4);
    tl->packets[tl->len++] = p;
    return true;
}

static void take_sr(struct reading *rd, const struct journal_record *r)
{
    struct journal_sr sr;

    if (!journal_sr_decode(&sr, r->data, r->len))
        return;
    if (rd->srs_len % 64 == 0)
        rd->srs = mem_grow(rd->srs, (rd->srs_len + 64) * sizeof *rd->srs);
    /* NTP seconds since 1900 and their 32-bit fraction, in microseconds; only differences matter. */
    rd->srs[rd->srs_len++] = (struct sr){sr.rtp, (int64_t)(sr.ntp >> 32) * 1000000 +
                                                     (int64_t)(((sr.ntp & 0xFFFFFFFF) * 1000000) >> 32)};
}

static bool read_segment(struct reading *rd, const uint8_t *data, size_t len, size_t header_len,
                         struct err *err)
{
    struct journal_reader r;
    struct journal_record rec;

    journal_reader_init(&r, data, len, header_len);
    for (;;) {
        enum journal_step step = journal_next(&r, &rec);
        if (step == JOURNAL_STEP_DONE)
            return true;
        if (step != JOURNAL_STEP_RECORD)
            rd->tl->damaged += rec.size;
        if (step == JOURNAL_STEP_TORN)
            return true;
        if (step == JOURNAL_STEP_RECORD && rec.type == JOURNAL_RTP && !take_packet(rd, &rec))
            return err_set(err, ERR_TOO_LARGE, "track_too_long", "more than %u packets", TIMELINE_MAX);
        if (step == JOURNAL_STEP_RECORD && rec.type == JOURNAL_SR)
            take_sr(rd, &rec);
    }
}

/* --- order ------------------------------------------------------------------------------------------------ */

static int64_t ticks_us(int64_t ticks, uint32_t clock_hz)
{
    return ticks / clock_hz * 1000000 + ticks % clock_hz * 1000000 / clock_hz;
}

/* Does the packet behind i carry on its numbering, or is i alone out of line? */
static bool agrees(const struct timeline_packet *p, size_t i, size_t end)
{
    return i + 1 < end && (uint16_t)(p[i + 1].seq - p[i].seq) < 16;
}

/* Does this packet belong to another numbering than the highest one so far? Too far ahead, too far back, or so old by its
 * own RTP time that no retransmission would still carry it. */
static bool foreign(const struct timeline_packet *p, const struct timeline_packet *high, int step,
                    uint32_t clock_hz)
{
    if (step > DROPOUT_MAX || step < -MISORDER_MAX)
        return true;
    return step <= 0 &&
           p->at_us - high->at_us + ticks_us((int32_t)(high->rtp - p->rtp), clock_hz) > LATE_MAX_US;
}

/* Sequence numbers of 16 bits become ones that never wrap, from base on. @return the highest. */
static uint64_t extend(struct timeline *tl, size_t first, uint64_t base, uint32_t clock_hz)
{
    struct timeline_packet *p = tl->packets;
    uint64_t high = base;
    size_t high_at = first; /* the packet that has it */
    uint16_t last = 0;

    for (size_t i = first; i < tl->len; i++) {
        uint16_t seq = (uint16_t)p[i].seq;
        int step = (int16_t)(uint16_t)(seq - last);
        bool anew = i == first || (foreign(&p[i], &p[high_at], step, clock_hz) && agrees(p, i, tl->len));
        if (anew)
            step = i == first ? 0 : ERA_STEP;
        p[i].seq = high + (uint64_t)(int64_t)step;
        if (anew || step > 0) {
            high = p[i].seq;
            high_at = i;
            last = seq;
        }
    }
    return high;
}

static int by_seq(const void *a, const void *b)
{
    const struct timeline_packet *x = a, *y = b;

    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return x->data < y->data ? -1 : x->data > y->data; /* of doubles the one that came first */
}

static void sort(struct timeline *tl, size_t first)
{
    size_t n = tl->len - first, kept = 0;

    if (n == 0)
        return;
    struct timeline_packet *p = tl->packets + first;
    qsort(p, n, sizeof *p, by_seq);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && p[i].seq == p[kept - 1].seq) {
            tl->doubles++;
            continue;
        }
        if (kept > 0 && p[i].seq - p[kept - 1].seq <= DROPOUT_MAX)
            tl->lost += p[i].seq - p[kept - 1].seq - 1;
        p[kept++] = p[i];
    }
    tl->len = first + kept;
}

/* --- time ------------------------------------------------------------------------------------------------- */

/* A stretch of packets whose RTP time runs on; within it pts_us first holds the sender's clock, then ours. */
struct stretch {
    struct timeline_packet *p;
    size_t n;
};

static bool jumped(int64_t late)
{
    return late > TIMELINE_JUMP_US || late < -TIMELINE_JUMP_US;
}

/* The longest run in which RTP time and arrival tell the same story; one packet alone may be very late. Fills pts_us
 * with RTP time since the first. */
static size_t run_on(struct timeline_packet *p, size_t n, uint32_t clock_hz)
{
    int64_t ticks = 0, base = p[0].at_us, base_moved_at = 0;
    uint32_t last = p[0].rtp;
    int64_t least = 0;

    for (size_t i = 0; i < n; i++) {
        ticks += (int32_t)(p[i].rtp - last);
        int64_t us = ticks_us(ticks, clock_hz), late = p[i].at_us - base - us;
        last = p[i].rtp;
        p[i].pts_us = us;
        if (jumped(late)) {
            int64_t next =
                i + 1 < n ? p[i + 1].at_us - base - ticks_us(ticks + (int32_t)(p[i + 1].rtp - last), clock_hz)
                          : 0;
            if (jumped(next))
                return i;
            continue;
        }
        /* Follow a slow drift: every window the base moves to its quickest packet. */
        if (i == 0 || late < least)
            least = late;
        if (us - base_moved_at > WINDOW_US) {
            base += least;
            base_moved_at = us;
            least = late;
        }
    }
    return n;
}

/* RTP time by the reports: pts_us (nominal, since the first packet) becomes the sender's clock. Reports that contradict
 * the nominal clock by more than 1 % are not believed. */
struct report {
    int64_t nominal, sender;
};

static size_t usable_reports(const struct stretch *s, const struct reading *rd, struct report *out)
{
    const struct timeline_packet *p = s->p;
    int64_t span = p[s->n - 1].pts_us;
    size_t n = 0, near = 0;

    for (size_t i = 0; i < rd->srs_len; i++) {
        /* The packet before it tells which turn of the 32-bit clock it is in: reports come in order. */
        while (near + 1 < s->n && (int32_t)(p[near + 1].rtp - rd->srs[i].rtp) <= 0)
            near++;
        int64_t nominal =
            p[near].pts_us + ticks_us((int32_t)(rd->srs[i].rtp - p[near].rtp), rd->header.clock_hz);
        if (nominal < -TIMELINE_JUMP_US || nominal > span + TIMELINE_JUMP_US)
            continue;
        if (n > 0) {
            int64_t dn = nominal - out[n - 1].nominal, ds = rd->srs[i].us - out[n - 1].sender;
            if (dn <= 0 || ds < dn - dn / 100 - 20000 || ds > dn + dn / 100 + 20000)
                continue;
        }
        out[n++] = (struct report){nominal, rd->srs[i].us};
    }
    return n;
}

static void by_reports(struct stretch *s, const struct reading *rd)
{
    struct report *reports = mem_new((rd->srs_len + 1) * sizeof *reports);
    size_t n = usable_reports(s, rd, reports), k = 0;

    for (size_t i = 0; n > 0 && i < s->n; i++) {
        int64_t t = s->p[i].pts_us;
        while (k + 1 < n && reports[k + 1].nominal <= t)
            k++;
        struct report a = reports[k], b = k + 1 < n ? reports[k + 1] : a;
        int64_t on = t - a.nominal;
        if (b.nominal > a.nominal && on > 0)
            on = (int64_t)((double)on * (double)(b.sender - a.sender) / (double)(b.nominal - a.nominal));
        s->p[i].pts_us = a.sender + on;
    }
    free(reports);
}

static int64_t least_delay(const struct stretch *s, int64_t from, int64_t to)
{
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < s->n; i++)
        if (s->p[i].pts_us >= from && s->p[i].pts_us <= to && s->p[i].at_us - s->p[i].pts_us < least)
            least = s->p[i].at_us - s->p[i].pts_us;
    return least;
}

/* The sender's clock becomes ours: the quickest packets of the first and the last window took no time at all. */
static void to_our_clock(struct stretch *s)
{
    int64_t from = s->p[0].pts_us, to = from, delay, later;
    double drift = 0;

    for (size_t i = 0; i < s->n; i++)
        to = s->p[i].pts_us > to ? s->p[i].pts_us : to;
    if (to - from < DRIFT_MIN_US) {
        delay = least_delay(s, INT64_MIN, INT64_MAX);
    } else {
        delay = least_delay(s, INT64_MIN, from + WINDOW_US);
        later = least_delay(s, to - WINDOW_US, INT64_MAX);
        drift = (double)(later - delay) / (double)(to - from - WINDOW_US);
        if (drift > DRIFT_PPM / 1e6 || drift < -DRIFT_PPM / 1e6)
            drift = 0;
    }
    for (size_t i = 0; i < s->n; i++)
        s->p[i].pts_us += delay + (int64_t)(drift * (double)(s->p[i].pts_us - from));
}

static void set_times(struct reading *rd)
{
    struct timeline *tl = rd->tl;
    int64_t floor_us = rd->first > 0 ? tl->packets[rd->first - 1].pts_us + 1000 : INT64_MIN;

    for (size_t at = rd->first; at < tl->len;) {
        struct stretch s = {tl->packets + at, tl->len - at};
        s.n = run_on(s.p, s.n, rd->header.clock_hz);
        by_reports(&s, rd);
        to_our_clock(&s);
        for (size_t i = 0; i < s.n; i++)
            if (s.p[i].pts_us < floor_us)
                s.p[i].pts_us = floor_us; /* a new stretch never reaches back into the one before */
        at += s.n;
        if (at < tl->len) {
            tl->reanchored++;
            floor_us = tl->packets[at - 1].pts_us + 1000;
        }
    }
}

/* --- the whole -------------------------------------------------------------------------------------------- */

static bool add_segment(struct reading *rd, struct timeline_bytes bytes, uint64_t *base, bool *any,
                        struct err *err)
{
    struct err why = ERR_INIT;
    size_t header_len;

    if (!journal_header_decode(&rd->header, &header_len, bytes.data, bytes.len, &why))
        return true;
    if (!*any)
        rd->tl->header = rd->header;
    *any = true;
    rd->first = rd->tl->len;
    rd->srs_len = 0;
    if (!read_segment(rd, bytes.data, bytes.len, header_len, err))
        return false;
    *base = extend(rd->tl, rd->first, *base, rd->header.clock_hz) + ERA_STEP;
    sort(rd->tl, rd->first);
    set_times(rd);
    return true;
}

bool timeline_build(struct timeline **out, const struct timeline_bytes *segments, size_t n, struct err *err)
{
    struct reading rd = {.tl = mem_new(sizeof *rd.tl)};
    uint64_t base = BASE;
    bool ok = true, any = false;

    for (size_t i = 0; ok && i < n; i++)
        ok = add_segment(&rd, segments[i], &base, &any, err);
    if (ok && !any)
        ok = err_set(err, ERR_CORRUPT, "journal_header", "no segment has a readable header");
    free(rd.srs);
    if (!ok) {
        timeline_free(rd.tl);
        return false;
    }
    *out = rd.tl;
    return true;
}

void timeline_free(struct timeline *tl)
{
    if (!tl)
        return;
    free(tl->packets);
    free(tl);
}

size_t timeline_rtp(const struct timeline *tl, size_t i, uint8_t *out, size_t cap)
{
    const struct timeline_packet *p = &tl->packets[i];
    uint32_t ssrc = tl->header.ssrc;

    if (12 + (size_t)p->payload_len > cap)
        return 0;
    out[0] = 0x80;
    out[1] = (uint8_t)((p->data[1] & 0x80) | tl->header.pt);
    out[2] = (uint8_t)(p->seq >> 8);
    out[3] = (uint8_t)p->seq;
    memcpy(out + 4, p->data + 4, 4);
    out[8] = (uint8_t)(ssrc >> 24);
    out[9] = (uint8_t)(ssrc >> 16);
    out[10] = (uint8_t)(ssrc >> 8);
    out[11] = (uint8_t)ssrc;
    memcpy(out + 12, p->data + p->payload_at, p->payload_len);
    return 12 + p->payload_len;
}
