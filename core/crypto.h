/* crypto.h - the few operations we need, over OpenSSL 3 and libargon2. Any thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

#define SHA256_LEN 32
void crypto_random(void *out, size_t len); /* aborts when the kernel has none */
void crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN]);
/* Only where a channel's own hash is SHA-1: it tells a damaged file, it proves nothing. */
#define SHA1_LEN 20
void crypto_sha1(const void *data, size_t len, uint8_t out[SHA1_LEN]);
struct sha256; /* streaming */
struct sha256 *sha256_new(void);
void sha256_update(struct sha256 *s, const void *data, size_t len);
void sha256_final(struct sha256 *s, uint8_t out[SHA256_LEN]); /* frees s */
void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[SHA256_LEN]);
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */
void crypto_wipe(void *p, size_t len);

void crypto_hex(const uint8_t *in, size_t len, char *out); /* out: 2*len+1 */
bool crypto_unhex(const char *in, size_t in_len, uint8_t *out, size_t out_len);
size_t crypto_b64url(const uint8_t *in, size_t len, char *out, size_t cap); /* no padding; NUL-terminated */
bool crypto_unb64url(const char *in, size_t in_len, uint8_t *out, size_t cap, size_t *out_len);

/** argon2id, encoded form ($argon2id$…). Slow on purpose (about 50 ms): run on a worker. */
bool crypto_password_hash(const char *password, char out[128], struct err *err);
bool crypto_password_verify(const char *password, const char *encoded);

/* Ed25519 for documents and audit seals. A key file is created 0600 when absent. */
struct sign_key;
bool sign_key_load(struct sign_key **out, const char *path, bool create, struct err *err);
void sign_key_free(struct sign_key *k);
void sign_key_public(const struct sign_key *k, uint8_t out[32]);
bool sign_key_sign(const struct sign_key *k, const void *data, size_t len, uint8_t sig[64], struct err *err);
bool sign_verify(const uint8_t pub[32], const void *data, size_t len, const uint8_t sig[64]);

/* Bearer tokens: base64url(claims JSON) "." base64url(HMAC-SHA-256), prefix "yz1.". One algorithm, so nothing
 * to confuse. claims is the JSON text; expiry and meaning are the caller's. ERR_UNAUTHENTICATED
 * "token_invalid". */
bool token_make(const void *key, size_t key_len, const char *claims, char **out, struct err *err);
bool token_open(const void *key, size_t key_len, const char *token, size_t len, char **claims,
                struct err *err);
/** A secret of 32 bytes kept in a 0600 file, made when absent. */
bool secret_load(const char *path, uint8_t out[32], struct err *err);
