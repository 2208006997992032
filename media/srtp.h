/* srtp.h - one direction of one peer's SRTP and SRTCP, keyed from its DTLS handshake (RFC 5764).
 *
 * Owns    the libsrtp session and its keys; srtp_ctx_free(NULL) is fine.
 * Runs on one thread per context. protect and unprotect work in place, without allocation once an SSRC is
 * known.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

/** RFC 5764 and RFC 7714 profile numbers, as on the wire. */
enum srtp_suite { SRTP_SUITE_CM80 = 0x0001, SRTP_SUITE_GCM128 = 0x0007 };
#define SRTP_KEYS_MAX    60 /* both directions, key and salt: 2 * (16 + 14) */
#define SRTP_TRAILER_MAX 32 /* bytes protect may add */

/** Bytes of one direction's key and salt. */
size_t srtp_suite_key_len(enum srtp_suite s);
size_t srtp_suite_salt_len(enum srtp_suite s);

struct srtp_ctx;
/** @param exported the 2*(key+salt) bytes of EXTRACTOR-dtls_srtp
 *  @param client   whose keys: the DTLS client's writing direction or the server's
 *  @param inbound  used with unprotect, or with protect */
bool srtp_ctx_new(struct srtp_ctx **out, enum srtp_suite s, const uint8_t *exported, bool client,
                  bool inbound, struct err *err);
void srtp_ctx_free(struct srtp_ctx *c);

enum srtp_result { SRTP_OK, SRTP_AUTH, SRTP_REPLAY, SRTP_OTHER };
/** *len shrinks by the trailer. SRTP_AUTH: forged or corrupt; the packet's bytes are then undefined. */
enum srtp_result srtp_in_rtp(struct srtp_ctx *c, uint8_t *p, size_t *len);
enum srtp_result srtp_in_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *len);
/** *len grows by at most SRTP_TRAILER_MAX, for which p has room; p is 4-byte aligned. */
enum srtp_result srtp_out_rtp(struct srtp_ctx *c, uint8_t *p, size_t *len);
enum srtp_result srtp_out_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *len);
