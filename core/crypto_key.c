/* Keys and secrets that live in files of mode 0600, made when absent. */
#include "core/crypto.h"
#include "core/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX 4096

/* ERR_NOT_FOUND when absent. */
static bool read_file(const char *path, uint8_t *buf, size_t cap, size_t *len, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    bool ok = false;
    ssize_t n;

    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "key_missing", "%s is not there", path);
    if (fd < 0)
        return err_errno(err, path);
    if (fstat(fd, &st) < 0) {
        err_errno(err, path);
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_mode & 077) {
        err_set(err, ERR_DENIED, "key_file_open_to_others", "%s must be a file of mode 0600", path);
        goto out;
    }
    n = read(fd, buf, cap);
    if (n < 0) {
        err_errno(err, path);
        goto out;
    }
    *len = (size_t)n;
    ok = true;
out:
    close(fd);
    return ok;
}

static bool write_all(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* Appears whole or not at all: written beside, then linked to its name. Another process that was first wins,
 * and the caller reads that one's file. */
static bool create_file(const char *path, const uint8_t *data, size_t len, struct err *err)
{
    char *tmp = mem_format("%s.XXXXXX", path);
    int fd = mkostemp(tmp, O_CLOEXEC);
    bool ok = false;

    if (fd < 0) {
        err_errno(err, path);
        free(tmp);
        return false;
    }
    if (fchmod(fd, 0600) < 0 || !write_all(fd, data, len))
        err_errno(err, path);
    else if (link(tmp, path) < 0 && errno != EEXIST)
        err_errno(err, path);
    else
        ok = true;
    close(fd);
    unlink(tmp);
    free(tmp);
    return ok;
}

bool secret_load(const char *path, uint8_t out[32], struct err *err)
{
    struct err absent = ERR_INIT;
    uint8_t buf[33];
    size_t len = 0;

    if (!read_file(path, buf, sizeof buf, &len, &absent)) {
        if (!err_is(&absent, ERR_NOT_FOUND))
            return err_set(err, absent.code, absent.reason, "%s", absent.text);
        crypto_random(buf, 32);
        if (!create_file(path, buf, 32, err) || !read_file(path, buf, sizeof buf, &len, err))
            return false;
    }
    if (len != 32)
        return err_set(err, ERR_CORRUPT, "key_file_bad", "%s has %zu bytes, expected 32", path, len);
    memcpy(out, buf, 32);
    crypto_wipe(buf, sizeof buf);
    return true;
}

/* --- Ed25519 --- */

struct sign_key {
    EVP_PKEY *pkey;
};

static bool make_key_file(const char *path, struct err *err)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_secmem());
    char *pem;
    long len;
    bool ok = false;

    if (!pkey || !bio || !PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)) {
        err_set(err, ERR_INTERNAL, "key_make", "make an Ed25519 key");
        goto out;
    }
    len = BIO_get_mem_data(bio, &pem);
    ok = create_file(path, (const uint8_t *)pem, (size_t)len, err);
out:
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return ok;
}

static bool parse_key(struct sign_key **out, const char *path, const uint8_t *pem, size_t len,
                      struct err *err)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    if (!pkey || !EVP_PKEY_is_a(pkey, "ED25519")) {
        EVP_PKEY_free(pkey);
        return err_set(err, ERR_CORRUPT, "key_file_bad", "%s is not an Ed25519 key in PEM", path);
    }
    *out = mem_new(sizeof **out);
    (*out)->pkey = pkey;
    return true;
}

bool sign_key_load(struct sign_key **out, const char *path, bool create, struct err *err)
{
    struct err absent = ERR_INIT;
    uint8_t buf[KEY_FILE_MAX];
    size_t len = 0;
    bool ok;

    if (!read_file(path, buf, sizeof buf, &len, &absent)) {
        if (!create || !err_is(&absent, ERR_NOT_FOUND))
            return err_set(err, absent.code, absent.reason, "%s", absent.text);
        if (!make_key_file(path, err) || !read_file(path, buf, sizeof buf, &len, err))
            return false;
    }
    ok = parse_key(out, path, buf, len, err);
    crypto_wipe(buf, sizeof buf);
    return ok;
}

void sign_key_free(struct sign_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

void sign_key_public(const struct sign_key *k, uint8_t out[32])
{
    size_t len = 32;

    if (!EVP_PKEY_get_raw_public_key(k->pkey, out, &len) || len != 32)
        abort();
}

bool sign_key_sign(const struct sign_key *k, const void *data, size_t len, uint8_t sig[64], struct err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 64;
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
              EVP_DigestSign(ctx, sig, &n, data, len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok || err_set(err, ERR_INTERNAL, "sign", "sign %zu bytes", len);
}

bool sign_verify(const uint8_t pub[32], const void *data, size_t len, const uint8_t sig[64])
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, sig, 64, data, len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok;
}
