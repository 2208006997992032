/* journal.h - one track of a recording on disk: every packet as it came, chained so that a changed byte shows.
 *
 * A file   <dir>/<track>.yzj, its continuation after a loss <track>-2.yzj, <track>-3.yzj …
 *          = header, then records, little endian, append only. Nothing written is ever written again.
 *
 *   header   0  8  magic "YZJ\x01\r\n\x1a\n"         record   0  4  length of the whole record, 20 .. JOURNAL_RECORD_MAX
 *            8  2  version (1)                                4  1  type (enum journal_type)
 *           10  2  length of the whole header                 5  1  flags as they came on the ring
 *           12  1  kind: 1 audio, 2 video                     6  2  zero
 *           13  1  RTP payload type                           8  8  at_us, UTC microseconds
 *           14  2  segment number, from 1                    16  .  payload
 *           16  4  RTP clock in Hz                          end-4 4 CRC-32C of the record up to here
 *           20  4  SSRC
 *           24  8  opened_at_us, UTC                        RTP   the packet, clear, as received
 *           32  .  six strings, u16 length first: room,     SR    u64 NTP time, u32 RTP time (RFC 3550 6.4.1)
 *                  dir, track, peer, codec, fmtp            GAP   i64 from_us, i64 to_us, then the reason word
 *          end-4 4 CRC-32C of the header up to here         CHECK u64 n, 32 bytes H(n)
 *                                                           END   the reason word; the last record but the final CHECK
 *
 * Chain    H(0) = 32 zero bytes. CHECK n (from 1) carries H(n) = SHA-256( H(n-1) | every byte since the start of CHECK n-1,
 *          or since the start of the file, up to the start of CHECK n ). One CHECK each second and one at the close.
 *          The head of a segment = SHA-256( H(last) | every byte since the start of the last CHECK ), signed in manifest.json.
 *          The CRC of a record names the record a careless hand or a bad disk changed; the chain names the second a
 *          careful hand changed; the signed head names the segment when even the chain was made anew.
 * Tearing  the last bytes of a file whose writer was killed may be missing or not what was written: the reader says where
 *          the whole records end. Bad bytes with whole records behind them are damage, not a torn tail, and are stepped over.
 * Runs on  any thread; a reader lends from the bytes it was given.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/crypto.h"
#include "core/err.h"

#define JOURNAL_VERSION     1
#define JOURNAL_HEADER_MAX  2048
#define JOURNAL_RECORD_MAX  65536 /* bytes of a whole record */
#define JOURNAL_RECORD_MIN  20
#define JOURNAL_OVERHEAD    20 /* what a record adds to its payload */
#define JOURNAL_PAYLOAD_MAX (JOURNAL_RECORD_MAX - JOURNAL_OVERHEAD)
#define JOURNAL_NAME_MAX    64  /* bytes with NUL: room, track, peer, codec, reason */
#define JOURNAL_TEXT_MAX    256 /* bytes with NUL: dir, fmtp */
#define JOURNAL_CHECK_LEN   (JOURNAL_OVERHEAD + 8 + SHA256_LEN)

enum journal_kind { JOURNAL_AUDIO = 1, JOURNAL_VIDEO = 2 };
enum journal_type { JOURNAL_RTP = 1, JOURNAL_SR, JOURNAL_GAP, JOURNAL_CHECK, JOURNAL_END };

struct journal_header {
    enum journal_kind kind;
    uint8_t pt;
    uint16_t segment;
    uint32_t clock_hz, ssrc;
    int64_t opened_at_us;
    char room[JOURNAL_NAME_MAX], dir[JOURNAL_TEXT_MAX], track[JOURNAL_NAME_MAX], peer[JOURNAL_NAME_MAX];
    char codec[JOURNAL_NAME_MAX], fmtp[JOURNAL_TEXT_MAX];
};

/** @return bytes written to out (JOURNAL_HEADER_MAX of room always suffices). */
size_t journal_header_encode(const struct journal_header *h, uint8_t out[JOURNAL_HEADER_MAX]);
/** ERR_CORRUPT "journal_header" with the words why. */
bool journal_header_decode(struct journal_header *out, size_t *header_len, const uint8_t *data, size_t len,
                           struct err *err);

/** Bytes of the record in out, which must hold payload_len + JOURNAL_OVERHEAD. payload_len ≤ JOURNAL_PAYLOAD_MAX. */
size_t journal_record_encode(uint8_t *out, enum journal_type type, uint8_t flags, int64_t at_us,
                             const void *payload, size_t payload_len);

struct journal_sr {
    uint64_t ntp;
    uint32_t rtp;
};
struct journal_gap {
    int64_t from_us, to_us;
    char reason[JOURNAL_NAME_MAX];
};
size_t journal_sr_encode(uint8_t out[12], const struct journal_sr *sr);
size_t journal_gap_encode(uint8_t out[16 + JOURNAL_NAME_MAX], const struct journal_gap *gap);
bool journal_sr_decode(struct journal_sr *out, const uint8_t *data, size_t len);
bool journal_gap_decode(struct journal_gap *out, const uint8_t *data, size_t len);
bool journal_check_decode(uint64_t *n, uint8_t hash[SHA256_LEN], const uint8_t *data, size_t len);

struct journal_record {
    enum journal_type type;
    uint8_t flags;
    int64_t at_us;
    const uint8_t *data; /* payload, lent */
    size_t len;
    uint64_t number; /* of the record in the file, from 0 */
    size_t offset, size;
};

enum journal_step {
    JOURNAL_STEP_RECORD,
    JOURNAL_STEP_DAMAGE, /* offset and size of the bytes stepped over; whole records follow */
    JOURNAL_STEP_TORN,   /* no whole record from offset on: the tail to cut */
    JOURNAL_STEP_DONE,   /* the bytes end where a record ends */
};

struct journal_reader {
    const uint8_t *data;
    size_t len, at;
    uint64_t number;
};

/** Reading starts behind the header. */
void journal_reader_init(struct journal_reader *r, const uint8_t *data, size_t len, size_t header_len);
enum journal_step journal_next(struct journal_reader *r, struct journal_record *out);
