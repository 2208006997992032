/* dtls_client.h - the client side of DTLS-SRTP, for tests and load: a certificate of its own, one handshake, keys.
 * Datagrams go out through a function and come in through another, so a test can lose, repeat or change them. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "media/sdp.h"
#include "media/srtp.h"

struct dtls_client;
typedef void dtls_client_send_fn(void *arg, const uint8_t *data, size_t len);

/** @param profiles as OpenSSL spells them: "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80" */
struct dtls_client *dtls_client_new(const char *profiles, dtls_client_send_fn *send, void *arg);
void dtls_client_free(struct dtls_client *c);
/** Digest of our certificate, for the offer. */
void dtls_client_fingerprint(const struct dtls_client *c, struct sdp_fingerprint *out);
/** "00:01:…"; out holds 96 bytes. */
void dtls_client_fingerprint_text(const struct dtls_client *c, char *out);
void dtls_client_start(struct dtls_client *c);
void dtls_client_receive(struct dtls_client *c, const uint8_t *data, size_t len);
void dtls_client_tick(struct dtls_client *c); /* retransmits when due */
bool dtls_client_connected(const struct dtls_client *c);
bool dtls_client_closed(const struct dtls_client *c); /* close_notify or an alert came */
void dtls_client_close(struct dtls_client *c);
/** After connected: contexts owned by the caller. */
bool dtls_client_export(struct dtls_client *c, enum srtp_suite *suite, struct srtp_ctx **in,
                        struct srtp_ctx **out);
/** Of the server's certificate: "00:01:…", for the comparison with the answer. */
void dtls_client_server_fingerprint(const struct dtls_client *c, char *out);
