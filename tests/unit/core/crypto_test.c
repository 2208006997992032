#include "tests/unit/test.h"
#include "core/crypto.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *hex(const uint8_t *p, size_t len)
{
    static char text[200];

    crypto_hex(p, len, text);
    return text;
}

TEST(crypto, sha256_of_abc_is_the_standards)
{
    uint8_t out[SHA256_LEN], again[SHA256_LEN];

    crypto_sha256("abc", 3, out); /* FIPS 180-2, B.1 */
    CHECK_STR(hex(out, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct sha256 *s = sha256_new();
    sha256_update(s, "a", 1);
    sha256_update(s, "", 0);
    sha256_update(s, "bc", 2);
    sha256_final(s, again);
    CHECK(crypto_equal(out, again, 32));
}

TEST(crypto, hmac_is_rfc_4231s)
{
    uint8_t out[SHA256_LEN];

    crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out); /* test case 2 */
    CHECK_STR(hex(out, 32), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(crypto, hex_and_base64url_go_both_ways_at_every_length)
{
    uint8_t raw[64], back[64];
    char text[200];
    size_t len;

    for (size_t n = 0; n <= sizeof raw; n++) {
        crypto_random(raw, n);
        crypto_hex(raw, n, text);
        CHECK(crypto_unhex(text, 2 * n, back, n));
        CHECK_MEM(raw, back, n);
        CHECK_INT(crypto_b64url(raw, n, text, sizeof text), (n * 8 + 5) / 6);
        CHECK(crypto_unb64url(text, strlen(text), back, n, &len));
        CHECK_INT(len, n);
        CHECK_MEM(raw, back, n);
    }
    crypto_b64url((const uint8_t *)"\xfb\xff", 2, text, sizeof text);
    CHECK_STR(text, "-_8");
}

TEST(crypto, refuses_text_that_is_not_the_one_spelling)
{
    static const char *const BAD[] = {"A", "AB", "-_9", "-_8=", "a b", "+/8", "AAAAA"};
    uint8_t out[16];
    size_t len;

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK(!crypto_unb64url(BAD[i], strlen(BAD[i]), out, sizeof out, &len));
    CHECK(!crypto_unb64url("AAAAAAAA", 8, out, 5, &len));
    CHECK(!crypto_unhex("abc", 3, out, 1));
    CHECK(!crypto_unhex("zz", 2, out, 1));
    CHECK(crypto_unhex("aF", 2, out, 1) && out[0] == 0xAF);
}

TEST(crypto, a_password_fits_its_hash_and_no_other)
{
    char one[128], two[128], lengthy[1100];
    struct err err = ERR_INIT;

    CHECK_OK(crypto_password_hash("云诊 secret", one, &err), &err);
    CHECK_OK(crypto_password_hash("云诊 secret", two, &err), &err);
    CHECK(strncmp(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
    CHECK(strcmp(one, two) != 0);
    CHECK(crypto_password_verify("云诊 secret", one));
    CHECK(!crypto_password_verify("云诊 Secret", one));
    CHECK(!crypto_password_verify("云诊 secret", "not a hash"));
    CHECK(!crypto_password_verify("云诊 secret", ""));
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    CHECK_ERR(crypto_password_hash(lengthy, one, &err), &err, ERR_TOO_LARGE, "password_too_long");
    CHECK(!crypto_password_verify(lengthy, one));
}

TEST(token, opens_with_its_key_and_breaks_at_any_changed_byte)
{
    uint8_t key[32] = {1}, other[32] = {2};
    struct err err = ERR_INIT;
    char *token, *claims;

    CHECK_OK(token_make(key, 32, "{\"sub\":\"7\"}", &token, &err), &err);
    size_t len = strlen(token);
    CHECK_OK(token_open(key, 32, token, len, &claims, &err), &err);
    CHECK_STR(claims, "{\"sub\":\"7\"}");
    free(claims);
    CHECK_ERR(token_open(other, 32, token, len, &claims, &err), &err, ERR_UNAUTHENTICATED, "token_invalid");
    for (size_t i = 0; i < len; i++) {
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        CHECK(!token_open(key, 32, token, len, &claims, &err));
        token[i] = was;
        CHECK(!token_open(key, 32, token, i, &claims, &err));
    }
    free(token);
}

TEST(token, claims_too_long_are_refused)
{
    char *big = calloc(1, 5000), *token;
    struct err err = ERR_INIT;

    memset(big, 'x', 4999);
    CHECK_ERR(token_make("k", 1, big, &token, &err), &err, ERR_TOO_LARGE, "token_too_long");
    free(big);
}

TEST(secret, is_made_once_and_then_stays)
{
    const char *path = test_path(t, test_dir(t), "token.key");
    uint8_t one[32], two[32];
    struct err err = ERR_INIT;
    struct stat st;

    CHECK_OK(secret_load(path, one, &err), &err);
    CHECK_OK(secret_load(path, two, &err), &err);
    CHECK_MEM(one, two, 32);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(st.st_nlink, 1);
}

TEST(secret, open_to_others_or_of_the_wrong_size_is_refused)
{
    const char *path = test_path(t, test_dir(t), "token.key");
    uint8_t key[32];
    struct err err = ERR_INIT;

    CHECK_OK(secret_load(path, key, &err), &err);
    CHECK_INT(chmod(path, 0640), 0);
    CHECK_ERR(secret_load(path, key, &err), &err, ERR_DENIED, "key_file_open_to_others");
    CHECK_INT(chmod(path, 0600), 0);
    CHECK_INT(truncate(path, 31), 0);
    CHECK_ERR(secret_load(path, key, &err), &err, ERR_CORRUPT, "key_file_bad");
    CHECK_ERR(secret_load("/no/such/folder/key", key, &err), &err, ERR_IO, NULL);
}

TEST(sign, a_signature_holds_for_its_bytes_and_key_only)
{
    const char *path = test_path(t, test_dir(t), "audit.key");
    struct sign_key *key, *again;
    uint8_t pub[32], pub2[32], sig[64];
    struct err err = ERR_INIT;

    CHECK_ERR(sign_key_load(&key, path, false, &err), &err, ERR_NOT_FOUND, "key_missing");
    CHECK_OK(sign_key_load(&key, path, true, &err), &err);
    CHECK_OK(sign_key_load(&again, path, true, &err), &err);
    sign_key_public(key, pub);
    sign_key_public(again, pub2);
    CHECK_MEM(pub, pub2, 32);
    CHECK_OK(sign_key_sign(key, "head", 4, sig, &err), &err);
    CHECK(sign_verify(pub, "head", 4, sig));
    CHECK(!sign_verify(pub, "heaD", 4, sig));
    sig[5] ^= 1;
    CHECK(!sign_verify(pub, "head", 4, sig));
    sign_key_free(key);
    sign_key_free(again);
    sign_key_free(NULL);
}

TEST(sign, a_file_that_holds_no_key_is_corrupt)
{
    const char *path = test_path(t, test_dir(t), "audit.key");
    struct sign_key *key;
    uint8_t secret[32];
    struct err err = ERR_INIT;

    CHECK_OK(secret_load(path, secret, &err), &err);
    CHECK_ERR(sign_key_load(&key, path, true, &err), &err, ERR_CORRUPT, "key_file_bad");
}
