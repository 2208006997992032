/* srtp_evp.c - see srtp_evp.h. The shape of each type is libsrtp's (srtp2/cipher.h, srtp2/auth.h). One
 * prepared EVP context per key; only the IV changes per packet. */
#include "media/srtp_evp.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#define SHA1_LEN 20
#define ICM_SALT 14

/* Exported by libsrtp, declared in none of its public headers: the vectors of its own implementations. */
extern const srtp_cipher_test_case_t srtp_aes_gcm_128_test_case_0;
extern const srtp_cipher_test_case_t srtp_aes_icm_128_test_case_0;
extern const srtp_auth_test_case_t srtp_hmac_test_case_0;

static const EVP_CIPHER *evp_gcm, *evp_ctr;
static EVP_MAC *evp_hmac;

static const srtp_cipher_type_t GCM_128, ICM_128;
static const srtp_auth_type_t HMAC_SHA1;

/* ---- AES-GCM-128 (RFC 7714) ---- */

struct gcm {
    EVP_CIPHER_CTX *ctx;
    srtp_cipher_direction_t dir;
    int tag_len; /* 16 in every profile; the test vectors also use 8 */
};

struct icm {
    EVP_CIPHER_CTX *ctx;
    uint8_t offset[16]; /* the salt, its last two bytes the block counter */
};

static srtp_err_status_t cipher_new(srtp_cipher_t **out, const srtp_cipher_type_t *type, size_t state,
                                    int key_len)
{
    srtp_cipher_t *c = calloc(1, sizeof(*c));
    void *s = calloc(1, state);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!c || !s || !ctx) {
        free(c);
        free(s);
        EVP_CIPHER_CTX_free(ctx);
        return srtp_err_status_alloc_fail;
    }
    *(EVP_CIPHER_CTX **)s = ctx; /* the first member of both states */
    c->type = type;
    c->state = s;
    c->key_len = key_len;
    c->algorithm = (int)type->id;
    *out = c;
    return srtp_err_status_ok;
}

static srtp_err_status_t cipher_dealloc(srtp_cipher_t *c)
{
    if (c) {
        EVP_CIPHER_CTX_free(*(EVP_CIPHER_CTX **)c->state); /* wipes the key */
        free(c->state);
        free(c);
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t status(int evp_ok)
{
    return evp_ok == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_alloc(srtp_cipher_t **c, int key_len, int tag_len)
{
    srtp_err_status_t st;

    if (key_len != SRTP_AES_GCM_128_KEY_LEN_WSALT || (tag_len != 16 && tag_len != 8))
        return srtp_err_status_bad_param;
    st = cipher_new(c, &GCM_128, sizeof(struct gcm), key_len);
    if (st == srtp_err_status_ok)
        ((struct gcm *)(*c)->state)->tag_len = tag_len;
    return st;
}

static srtp_err_status_t gcm_init(void *state, const uint8_t *key)
{
    struct gcm *s = state;

    s->dir = srtp_direction_any;
    return status(EVP_CipherInit_ex(s->ctx, evp_gcm, NULL, key, NULL, 1));
}

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t dir)
{
    struct gcm *s = state;

    if (dir != srtp_direction_encrypt && dir != srtp_direction_decrypt)
        return srtp_err_status_bad_param;
    s->dir = dir;
    return status(EVP_CipherInit_ex(s->ctx, NULL, NULL, NULL, iv, dir == srtp_direction_encrypt));
}

static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t len)
{
    struct gcm *s = state;
    int n;

    return status(EVP_CipherUpdate(s->ctx, NULL, &n, aad, (int)len));
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libsrtp's type */
static srtp_err_status_t gcm_encrypt(void *state, uint8_t *buf, unsigned int *len)
{
    struct gcm *s = state;
    int n = 0, rest = 0;

    if (s->dir != srtp_direction_encrypt)
        return srtp_err_status_bad_param;
    if (*len && EVP_EncryptUpdate(s->ctx, buf, &n, buf, (int)*len) != 1)
        return srtp_err_status_cipher_fail;
    return status(EVP_EncryptFinal_ex(s->ctx, buf + n, &rest));
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *buf, uint32_t *len)
{
    struct gcm *s = state;

    *len = (uint32_t)s->tag_len;
    return status(EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, s->tag_len, buf));
}

static srtp_err_status_t gcm_decrypt(void *state, uint8_t *buf, unsigned int *len)
{
    struct gcm *s = state;
    unsigned int tag = (unsigned int)s->tag_len;
    int n = 0, rest = 0;

    if (s->dir != srtp_direction_decrypt || *len < tag)
        return srtp_err_status_bad_param;
    if (EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, s->tag_len, buf + *len - tag) != 1)
        return srtp_err_status_cipher_fail;
    *len -= tag;
    if (*len && EVP_DecryptUpdate(s->ctx, buf, &n, buf, (int)*len) != 1)
        return srtp_err_status_auth_fail;
    return EVP_DecryptFinal_ex(s->ctx, buf + n, &rest) == 1 ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

static const srtp_cipher_type_t GCM_128 = {
    .alloc = gcm_alloc,
    .dealloc = cipher_dealloc,
    .init = gcm_init,
    .set_aad = gcm_set_aad,
    .encrypt = gcm_encrypt,
    .decrypt = gcm_decrypt,
    .set_iv = gcm_set_iv,
    .get_tag = gcm_get_tag,
    .description = "AES-128 GCM by OpenSSL",
    .test_data = &srtp_aes_gcm_128_test_case_0,
    .id = SRTP_AES_GCM_128,
};

/* ---- AES-ICM-128 (RFC 3711 4.1.1) ---- */

static srtp_err_status_t icm_alloc(srtp_cipher_t **c, int key_len, int tag_len)
{
    (void)tag_len;
    if (key_len != SRTP_AES_ICM_128_KEY_LEN_WSALT)
        return srtp_err_status_bad_param;
    return cipher_new(c, &ICM_128, sizeof(struct icm), key_len);
}

static srtp_err_status_t icm_init(void *state, const uint8_t *key)
{
    struct icm *s = state;

    memset(s->offset, 0, sizeof(s->offset));
    memcpy(s->offset, key + SRTP_AES_128_KEY_LEN, ICM_SALT);
    return status(EVP_EncryptInit_ex(s->ctx, evp_ctr, NULL, key, NULL));
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libsrtp's type */
static srtp_err_status_t icm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t dir)
{
    struct icm *s = state;
    uint8_t counter[16];

    (void)dir;
    for (int i = 0; i < 16; i++)
        counter[i] = s->offset[i] ^ iv[i];
    return status(EVP_EncryptInit_ex(s->ctx, NULL, NULL, NULL, counter));
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libsrtp's type */
static srtp_err_status_t icm_encrypt(void *state, uint8_t *buf, unsigned int *len)
{
    struct icm *s = state;
    int n;

    return status(EVP_EncryptUpdate(s->ctx, buf, &n, buf, (int)*len));
}

static const srtp_cipher_type_t ICM_128 = {
    .alloc = icm_alloc,
    .dealloc = cipher_dealloc,
    .init = icm_init,
    .encrypt = icm_encrypt,
    .decrypt = icm_encrypt,
    .set_iv = icm_set_iv,
    .description = "AES-128 counter mode by OpenSSL",
    .test_data = &srtp_aes_icm_128_test_case_0,
    .id = SRTP_AES_ICM_128,
};

/* ---- HMAC-SHA1 ---- */

static srtp_err_status_t hmac_alloc(srtp_auth_t **out, int key_len, int out_len)
{
    srtp_auth_t *a = NULL;
    EVP_MAC_CTX *ctx = NULL;

    if (key_len > SHA1_LEN || out_len > SHA1_LEN)
        return srtp_err_status_bad_param;
    a = calloc(1, sizeof(*a));
    ctx = EVP_MAC_CTX_new(evp_hmac);
    if (!a || !ctx) {
        free(a);
        EVP_MAC_CTX_free(ctx);
        return srtp_err_status_alloc_fail;
    }
    a->type = &HMAC_SHA1;
    a->state = ctx;
    a->out_len = out_len;
    a->key_len = key_len;
    *out = a;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_dealloc(srtp_auth_t *a)
{
    if (a) {
        EVP_MAC_CTX_free(a->state);
        free(a);
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_status(int ok)
{
    return ok == 1 ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

static srtp_err_status_t hmac_init(void *state, const uint8_t *key, int key_len)
{
    char sha1[] = "SHA1";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1, 0),
                           OSSL_PARAM_construct_end()};

    return hmac_status(EVP_MAC_init(state, key, (size_t)key_len, params));
}

static srtp_err_status_t hmac_start(void *state)
{
    return hmac_status(EVP_MAC_init(state, NULL, 0, NULL)); /* the key stays */
}

static srtp_err_status_t hmac_update(void *state, const uint8_t *data, int len)
{
    return hmac_status(EVP_MAC_update(state, data, (size_t)len));
}

static srtp_err_status_t hmac_compute(void *state, const uint8_t *data, int len, int tag_len, uint8_t *tag)
{
    uint8_t mac[SHA1_LEN];
    size_t n = 0;

    if (tag_len > SHA1_LEN || EVP_MAC_update(state, data, (size_t)len) != 1 ||
        EVP_MAC_final(state, mac, &n, sizeof(mac)) != 1)
        return srtp_err_status_auth_fail;
    memcpy(tag, mac, (size_t)tag_len);
    return srtp_err_status_ok;
}

static const srtp_auth_type_t HMAC_SHA1 = {
    .alloc = hmac_alloc,
    .dealloc = hmac_dealloc,
    .init = hmac_init,
    .compute = hmac_compute,
    .update = hmac_update,
    .start = hmac_start,
    .description = "HMAC-SHA1 by OpenSSL",
    .test_data = &srtp_hmac_test_case_0,
    .id = SRTP_HMAC_SHA1,
};

static bool evp_fetch(void)
{
    /* Fetched once: an implicit fetch per context costs a lock and a lookup each time. They live as long as
     * we. */
    evp_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    evp_ctr = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    evp_hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    return evp_gcm && evp_ctr && evp_hmac;
}

bool srtp_evp_init(struct err *err)
{
    static bool done;

    if (done)
        return true;
    if (srtp_init() != srtp_err_status_ok || !evp_fetch())
        return err_set(err, ERR_INTERNAL, "srtp_init", "libsrtp or OpenSSL ciphers are not there");
    if (srtp_replace_cipher_type(&ICM_128, SRTP_AES_ICM_128) != srtp_err_status_ok ||
        srtp_replace_cipher_type(&GCM_128, SRTP_AES_GCM_128) != srtp_err_status_ok ||
        srtp_replace_auth_type(&HMAC_SHA1, SRTP_HMAC_SHA1) != srtp_err_status_ok)
        return err_set(err, ERR_INTERNAL, "srtp_self_test",
                       "an OpenSSL cipher failed libsrtp's test vectors");
    done = true;
    return true;
}
