#include "signaling/sdp_check.h"
#include "core/mem.h"
#include "tests/unit/test.h"
#include <stdlib.h>
#include <string.h>

#define HEAD "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"
#define GOOD "a=fingerprint:sha-256 AA:BB\r\n"

static void refused(const char *sdp, size_t len, enum err_code code, const char *reason)
{
    struct err err = ERR_INIT;

    CHECK_ERR(sdp_check(sdp, len, &err), &err, code, reason);
}

static char *many(const char *line, int n)
{
    size_t len = strlen(line), head = strlen(HEAD);
    char *out = mem_new(head + (size_t)n * len + 1);

    memcpy(out, HEAD, head);
    for (int i = 0; i < n; i++)
        memcpy(out + head + (size_t)i * len, line, len);
    return out;
}

TEST(offer, with_a_strong_fingerprint_goes_on_to_the_worker)
{
    struct err err = ERR_INIT;

    CHECK_OK(sdp_check(HEAD GOOD, strlen(HEAD GOOD), &err), &err);
    CHECK_OK(sdp_check(HEAD "a=fingerprint:SHA-512 AA", strlen(HEAD "a=fingerprint:SHA-512 AA"), &err), &err);
}

TEST(offer, that_is_none_is_refused_here)
{
    refused("", 0, ERR_INVALID, "sdp_invalid");
    refused("{\"v\":0}", 7, ERR_INVALID, "sdp_invalid");
    refused(HEAD "\0" GOOD, strlen(HEAD) + 1 + strlen(GOOD), ERR_INVALID, "sdp_invalid");
    refused(HEAD, strlen(HEAD), ERR_INVALID, "sdp_no_fingerprint");
    refused(HEAD "a=fingerprint:sha-1 AA\r\n", strlen(HEAD "a=fingerprint:sha-1 AA\r\n"), ERR_INVALID,
            "sdp_weak_fingerprint");
    refused(HEAD "a=fingerprint:", strlen(HEAD "a=fingerprint:"), ERR_INVALID, "sdp_weak_fingerprint");
}

TEST(offer, of_a_thousand_m_lines_or_ten_thousand_lines_is_refused_here)
{
    char *media = many("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 1000), *lines = many("a=x\r\n", 10000);

    refused(media, strlen(media), ERR_TOO_LARGE, "sdp_too_many_media");
    refused(lines, strlen(lines), ERR_TOO_LARGE, "sdp_too_large");
    free(media);
    free(lines);
}
