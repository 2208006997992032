/* dtls_hello.h - a look at a DTLS datagram before OpenSSL sees it, so that junk costs nothing and harms
 * nobody. Runs on any thread, no state. Takes bytes of the outside. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_RANDOM_LEN 32

enum dtls_look {
    DTLS_LOOK_JUNK,        /* not a DTLS record */
    DTLS_LOOK_PLAIN_ALERT, /* unencrypted: anybody could have written it */
    DTLS_LOOK_HELLO,       /* the first fragment of an unencrypted ClientHello */
    DTLS_LOOK_OTHER,
};

struct dtls_hello {
    uint8_t random[DTLS_RANDOM_LEN];
    bool usable; /* DTLS 1.2 or above, and a cipher suite we have */
};

enum dtls_look dtls_look(const uint8_t *p, size_t len, struct dtls_hello *out);
