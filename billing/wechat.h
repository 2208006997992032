/* wechat.h - WeChat Pay API v3, the envelope: requests are signed, answers and callbacks verified, callbacks decrypted. Pure: time
 * and nonce are passed in, nothing is sent. Any thread.
 *
 * Source  WeChat Pay v3 developer documents: "WECHATPAY2-SHA256-RSA2048" (RSA PKCS#1 v1.5 over SHA-256, base64), callbacks'
 *         resource by AEAD_AES_256_GCM (RFC 5116) under the merchant's APIv3 key.
 * Trust   a text is believed only after wechat_verify(): its timestamp within five minutes, its serial one we know, its
 *         signature good; in this order, so that a forged one costs little.
 * Fuzz    tests/fuzz/wechat_fuzz.c
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

#define WECHAT_SCHEME   "WECHATPAY2-SHA256-RSA2048"
#define WECHAT_API_KEY  32  /* bytes of the APIv3 key */
#define WECHAT_WINDOW_S 300 /* a callback older or newer than this is refused */
#define WECHAT_NO_MAX   33  /* our numbers with the '\0': 6 … 32 of [0-9A-Za-z_-|*] */

struct wechat_key; /* an RSA key of 2048 bits or more */
/** PEM. ERR_INVALID "wechat_key" */
bool wechat_key_private(struct wechat_key **out, const char *pem, size_t len, struct err *err);
/** A public key, or a certificate that holds one. */
bool wechat_key_public(struct wechat_key **out, const char *pem, size_t len, struct err *err);
void wechat_key_free(struct wechat_key *k);

struct wechat_merchant { /* who signs; all borrowed */
    const char *mchid, *serial;
    const struct wechat_key *key;
};
struct wechat_request {
    const char *method; /* "GET" */
    const char *url;    /* path and query as sent: "/v3/pay/transactions/out-trade-no/TC1?mchid=19" */
    const char *body;   /* "" without one */
    size_t body_len;
    int64_t now_s;
    const char *nonce; /* random, up to 32 signs */
};
/** The value of the Authorization header. Freed by the caller. @return NULL never */
char *wechat_authorization(const struct wechat_merchant *m, const struct wechat_request *req);

struct wechat_signed { /* the four headers and the body they vouch for; "" for an absent one */
    const char *timestamp, *nonce, *signature, *serial;
    const char *body;
    size_t body_len;
};
struct wechat_signer {
    const char *serial;
    const struct wechat_key *key; /* public */
};
/** By whichever of the keys has the serial: two of them while the channel changes its own.
 * ERR_UNAUTHENTICATED "wechat_timestamp" | "wechat_serial" | "wechat_signature" */
bool wechat_verify(const struct wechat_signed *msg, const struct wechat_signer *keys, size_t n, int64_t now_s,
                   struct err *err);

/* The other end of the two, for whoever plays the channel. */
struct wechat_claim { /* what an Authorization header says */
    char mchid[33], serial[65], nonce[65], timestamp[24], signature[1024];
};
/** ERR_UNAUTHENTICATED "wechat_authorization" */
bool wechat_authorization_read(struct wechat_claim *out, const char *header, struct err *err);
/** errors as wechat_verify() */
bool wechat_authorization_verify(const struct wechat_claim *c, const struct wechat_request *req,
                                 const struct wechat_signer *merchant, struct err *err);
/** The base64 signature of an answer or a callback. Freed by the caller. */
char *wechat_sign(const struct wechat_key *key, const char *timestamp, const char *nonce, const char *body,
                  size_t body_len);

/** A callback's resource. *out is freed by the caller, NUL behind it. ERR_CORRUPT "wechat_resource" */
bool wechat_open(char **out, size_t *out_len, const uint8_t key[WECHAT_API_KEY], const char *nonce,
                 const char *associated, const char *ciphertext, struct err *err);
/** base64; nonce of 12 bytes. Freed by the caller. */
char *wechat_seal(const uint8_t key[WECHAT_API_KEY], const char *nonce, const char *associated,
                  const char *plain, size_t len);
