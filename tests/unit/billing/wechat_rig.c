#include "tests/unit/billing/wechat_rig.h"
#include "core/mem.h"
#include "tests/unit/test.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(BIO *bio)
{
    char *data, *text;
    long len = BIO_get_mem_data(bio, &data);

    text = mem_new((size_t)len + 1);
    memcpy(text, data, (size_t)len);
    BIO_free(bio);
    return text;
}

static void pair(struct wechat_key **secret, struct wechat_key **public, char **pem, char **public_pem)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
    struct err err = ERR_INIT;

    CHECK(key && PEM_write_bio_PrivateKey(a, key, NULL, NULL, 0, NULL, NULL) == 1 &&
          PEM_write_bio_PUBKEY(b, key) == 1);
    EVP_PKEY_free(key);
    *pem = text_of(a);
    *public_pem = text_of(b);
    CHECK_OK(wechat_key_private(secret, *pem, strlen(*pem), &err), &err);
    CHECK_OK(wechat_key_public(public, *public_pem, strlen(*public_pem), &err), &err);
}

static struct wechat_rig rig;

static void rig_free(void)
{
    struct wechat_key *keys[] = {rig.ours, rig.ours_public, rig.channel, rig.channel_public};
    char *texts[] = {rig.ours_pem, rig.ours_public_pem, rig.channel_pem, rig.channel_public_pem};

    for (int i = 0; i < 4; i++) {
        wechat_key_free(keys[i]);
        free(texts[i]);
    }
}

const struct wechat_rig *wechat_rig(void)
{
    if (!rig.ours) {
        pair(&rig.ours, &rig.ours_public, &rig.ours_pem, &rig.ours_public_pem);
        pair(&rig.channel, &rig.channel_public, &rig.channel_pem, &rig.channel_public_pem);
        atexit(rig_free);
    }
    return &rig;
}
