/* chain.h - the running SHA-256 of a journal (journal.h draws it), the same code for who writes and who checks.
 *
 * Owns    its hash state. One chain belongs to one segment and one thread at a time.
 * Reading add the header and each record; at a CHECK first call chain_block_end() and compare, then add it as well.
 */
#pragma once
#include "media/record/journal.h"

struct chain {
    struct sha256 *running; /* H(n) and the bytes since CHECK n began */
    uint64_t n;             /* checkpoints so far */
    uint64_t bytes;         /* of the file gone in */
};

void chain_init(struct chain *c);
void chain_free(struct chain *c); /* a zeroed one is fine */
/** Bytes of the file in order: the header, then every record, a CHECK included. */
void chain_add(struct chain *c, const void *data, size_t len);
/** Write the CHECK record of everything added so far to out, and go on behind it.
 * @param[out] head of the segment if it ended here; may be NULL
 * @return bytes of the record: JOURNAL_CHECK_LEN */
size_t chain_check(struct chain *c, int64_t at_us, uint8_t out[JOURNAL_CHECK_LEN], uint8_t head[SHA256_LEN]);
/** What a CHECK standing here must carry; the next block begins.
 * @param stated what it does carry, when that is what the next block was chained to; NULL: what it must */
void chain_block_end(struct chain *c, uint8_t hash[SHA256_LEN], const uint8_t *stated);
/** The head of the segment. Ends the chain. */
void chain_finish(struct chain *c, uint8_t head[SHA256_LEN]);
