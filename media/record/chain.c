#include "media/record/chain.h"
#include <string.h>
#include "media/record/bytes.h"

static void begin_block(struct chain *c, const uint8_t before[SHA256_LEN])
{
    c->running = sha256_new();
    sha256_update(c->running, before, SHA256_LEN);
}

void chain_init(struct chain *c)
{
    static const uint8_t ZERO[SHA256_LEN];

    *c = (struct chain){0};
    begin_block(c, ZERO);
}

void chain_free(struct chain *c)
{
    uint8_t unused[SHA256_LEN];

    if (c->running)
        sha256_final(c->running, unused);
    c->running = NULL;
}

void chain_add(struct chain *c, const void *data, size_t len)
{
    sha256_update(c->running, data, len);
    c->bytes += len;
}

void chain_block_end(struct chain *c, uint8_t hash[SHA256_LEN], const uint8_t *stated)
{
    sha256_final(c->running, hash);
    c->n++;
    begin_block(c, stated ? stated : hash);
}

size_t chain_check(struct chain *c, int64_t at_us, uint8_t out[JOURNAL_CHECK_LEN], uint8_t head[SHA256_LEN])
{
    uint8_t payload[8 + SHA256_LEN], both[SHA256_LEN + JOURNAL_CHECK_LEN];

    chain_block_end(c, payload + 8, NULL);
    put_le64(payload, c->n);
    journal_record_encode(out, JOURNAL_CHECK, 0, at_us, payload, sizeof payload);
    chain_add(c, out, JOURNAL_CHECK_LEN);
    if (head) {
        memcpy(both, payload + 8, SHA256_LEN);
        memcpy(both + SHA256_LEN, out, JOURNAL_CHECK_LEN);
        crypto_sha256(both, sizeof both, head);
    }
    return JOURNAL_CHECK_LEN;
}

void chain_finish(struct chain *c, uint8_t head[SHA256_LEN])
{
    sha256_final(c->running, head);
    c->running = NULL;
}
