/* dtls_hello.c - see dtls_hello.h. Layout: RFC 6347 4.1 (record, 13 bytes), 4.2.2 (handshake, 12 bytes). */
#include "media/dtls_hello.h"

#include "media/bytes.h"

#define RECORD_LEN     13
#define HANDSHAKE_LEN  12
#define TYPE_ALERT     21
#define TYPE_HANDSHAKE 22
#define CLIENT_HELLO   1
#define DTLS_1_2       0xfefd /* versions count downwards */

static bool our_cipher(uint16_t id)
{
    return id == 0xc02b || id == 0xc02c ||
           id == 0xcca9; /* ECDHE-ECDSA with AES-128-GCM, AES-256-GCM, ChaCha20 */
}

/* The list may end in a later fragment; what is here must hold one of ours. */
static bool has_our_cipher(const uint8_t *p, size_t len)
{
    size_t list;

    if (len < 2)
        return false;
    list = get_be16(p);
    if (list > len - 2)
        list = len - 2;
    for (size_t i = 0; i + 2 <= list; i += 2)
        if (our_cipher(get_be16(p + 2 + i)))
            return true;
    return false;
}

/* p: version, random, session id, cookie, cipher suites … */
static bool read_hello(const uint8_t *p, size_t len, struct dtls_hello *out)
{
    size_t at = 2 + DTLS_RANDOM_LEN;

    out->usable = false;
    if (len < at + 1)
        return false;
    memcpy(out->random, p + 2, DTLS_RANDOM_LEN);
    at += 1u + p[at];
    if (len < at + 1)
        return true;
    at += 1u + p[at];
    if (len < at)
        return true;
    out->usable = get_be16(p) <= DTLS_1_2 && get_be16(p) >= 0xfe00 && has_our_cipher(p + at, len - at);
    return true;
}

enum dtls_look dtls_look(const uint8_t *p, size_t len, struct dtls_hello *out)
{
    size_t record;

    if (len < RECORD_LEN || p[1] != 0xfe || p[0] < 20 || p[0] > 26)
        return DTLS_LOOK_JUNK;
    record = get_be16(p + 11);
    if (record == 0 || record > len - RECORD_LEN)
        return DTLS_LOOK_JUNK;
    if (get_be16(p + 3) != 0) /* epoch: encrypted, OpenSSL checks it */
        return DTLS_LOOK_OTHER;
    if (p[0] == TYPE_ALERT)
        return DTLS_LOOK_PLAIN_ALERT;
    if (p[0] != TYPE_HANDSHAKE)
        return DTLS_LOOK_OTHER;
    if (record < HANDSHAKE_LEN)
        return DTLS_LOOK_JUNK;
    p += RECORD_LEN;
    if (p[0] != CLIENT_HELLO || get_be24(p + 6) != 0)
        return DTLS_LOOK_OTHER;
    return read_hello(p + HANDSHAKE_LEN, record - HANDSHAKE_LEN, out) ? DTLS_LOOK_HELLO : DTLS_LOOK_JUNK;
}
