/* srtp.c - see srtp.h. */
#include "media/srtp.h"

#include <openssl/crypto.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#define SALT_CM  14
#define SALT_GCM 12
#define KEY_128  16

struct srtp_ctx {
    srtp_t session;
};

size_t srtp_suite_key_len(enum srtp_suite s)
{
    (void)s;
    return KEY_128;
}

size_t srtp_suite_salt_len(enum srtp_suite s)
{
    return s == SRTP_SUITE_GCM128 ? SALT_GCM : SALT_CM;
}

bool srtp_ctx_new(struct srtp_ctx **out, enum srtp_suite s, const uint8_t *exported, bool client,
                  bool inbound, struct err *err)
{
    struct srtp_ctx *c = calloc(1, sizeof(*c));
    size_t key_len = srtp_suite_key_len(s), salt_len = srtp_suite_salt_len(s);
    uint8_t key[KEY_128 + SALT_CM];
    srtp_policy_t policy;
    srtp_err_status_t st;

    if (!c)
        return err_set(err, ERR_INTERNAL, "out_of_memory", "SRTP context");
    /* RFC 5764 4.2: client key, server key, client salt, server salt. */
    memcpy(key, exported + (client ? 0 : key_len), key_len);
    memcpy(key + key_len, exported + 2 * key_len + (client ? 0 : salt_len), salt_len);
    memset(&policy, 0, sizeof(policy));
    if (s == SRTP_SUITE_GCM128) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
    policy.key = key;
    policy.window_size = 1024;
    policy.allow_repeat_tx = 1; /* a NACK without RTX is answered with the very same bytes */
    st = srtp_create(&c->session, &policy);
    OPENSSL_cleanse(key, sizeof(key));
    if (st != srtp_err_status_ok) {
        free(c);
        return err_set(err, ERR_INTERNAL, "srtp_create", "libsrtp status %d", (int)st);
    }
    *out = c;
    return true;
}

void srtp_ctx_free(struct srtp_ctx *c)
{
    if (!c)
        return;
    srtp_dealloc(c->session);
    free(c);
}

static enum srtp_result result(srtp_err_status_t st, int len, size_t *out)
{
    switch (st) {
    case srtp_err_status_ok:
        *out = (size_t)len;
        return SRTP_OK;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:
        return SRTP_AUTH;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return SRTP_REPLAY;
    default:
        return SRTP_OTHER;
    }
}

enum srtp_result srtp_in_rtp(struct srtp_ctx *c, uint8_t *p, size_t *len)
{
    int n = (int)*len;
    srtp_err_status_t st = srtp_unprotect(c->session, p, &n);

    return result(st, n, len);
}

enum srtp_result srtp_in_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *len)
{
    int n = (int)*len;
    srtp_err_status_t st = srtp_unprotect_rtcp(c->session, p, &n);

    return result(st, n, len);
}

enum srtp_result srtp_out_rtp(struct srtp_ctx *c, uint8_t *p, size_t *len)
{
    int n = (int)*len;
    srtp_err_status_t st = srtp_protect(c->session, p, &n);

    return result(st, n, len);
}

enum srtp_result srtp_out_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *len)
{
    int n = (int)*len;
    srtp_err_status_t st = srtp_protect_rtcp(c->session, p, &n);

    return result(st, n, len);
}
