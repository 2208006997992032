/* stun.h - the part of STUN (RFC 8489) an ICE-lite server (RFC 8445) needs: binding requests in, responses
 * out.
 *
 * Owns    nothing; a parsed message lends from the datagram.
 * Runs on any thread, no allocation. Takes bytes of the outside: every length is checked.
 * Also used by the test clients in tests/load, which is why requests can be built and responses parsed.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "media/addr.h"

#define STUN_HEADER_LEN   20
#define STUN_TXID_LEN     12
#define STUN_MAX          548 /* longest request we read; browsers send about 100 */
#define STUN_USERNAME_MAX 256 /* RFC 8445: ufrags of 4 .. 256, a colon between */

enum stun_type {
    STUN_BINDING_REQUEST = 0x0001,
    STUN_BINDING_INDICATION = 0x0011,
    STUN_BINDING_RESPONSE = 0x0101,
    STUN_BINDING_ERROR = 0x0111
};

struct stun_msg {
    uint16_t type;
    const uint8_t *data; /* the datagram */
    size_t len;
    const uint8_t *txid; /* STUN_TXID_LEN bytes */
    const uint8_t *username;
    size_t username_len;
    size_t integrity_at; /* offset of MESSAGE-INTEGRITY, 0 when absent */
    bool fingerprint_ok; /* FINGERPRINT present and right */
    bool use_candidate, controlling, controlled;
    uint64_t tie_breaker;
    uint32_t priority;
    bool has_mapped;
    struct addr mapped;  /* XOR-MAPPED-ADDRESS of a response */
    uint16_t error_code; /* of an error response */
    uint16_t unknown;    /* first comprehension-required attribute we do not know, or 0 */
};

/** true when the bytes are one well-formed STUN message with a right FINGERPRINT, if it has one.
 * Attributes behind MESSAGE-INTEGRITY are ignored (RFC 8489 14.5), FINGERPRINT excepted. */
bool stun_parse(const uint8_t *data, size_t len, struct stun_msg *out);
/** HMAC-SHA1 over the message with the short-term password; false when MESSAGE-INTEGRITY is absent or wrong.
 */
bool stun_check_integrity(const struct stun_msg *m, const char *password);
/** The part of USERNAME before the colon: our own ufrag. false when there is no colon. */
bool stun_local_ufrag(const struct stun_msg *m, const char **ufrag, size_t *len);

/** @return bytes written to out (at least 128), never more than the request that asked for it was long
 *          plus the mapped address. Carries MESSAGE-INTEGRITY and FINGERPRINT. */
size_t stun_write_response(uint8_t *out, const uint8_t txid[STUN_TXID_LEN], const struct addr *mapped,
                           const char *password);
/** 487 role conflict, 420 unknown attribute … */
size_t stun_write_error(uint8_t *out, const uint8_t txid[STUN_TXID_LEN], uint16_t code, uint16_t unknown_attr,
                        const char *password);

struct stun_request {
    const uint8_t *txid;
    const char *username; /* "theirs:ours" */
    const char *password; /* theirs */
    uint32_t priority;
    uint64_t tie_breaker;
    bool use_candidate;
};
/** A client's connectivity check. @return bytes, at most STUN_MAX; 0 when the username is too long. */
size_t stun_write_request(uint8_t out[STUN_MAX], const struct stun_request *r);
