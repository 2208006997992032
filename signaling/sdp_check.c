#include "signaling/sdp_check.h"
#include <string.h>
#include <strings.h>

#define LINES_MAX 8192
#define MEDIA_MAX 64
#define HASH      "a=fingerprint:"

static bool strong(const char *line, size_t len)
{
    static const char *const HASHES[] = {"sha-256 ", "sha-384 ", "sha-512 "};

    for (size_t i = 0; i < sizeof HASHES / sizeof *HASHES; i++) {
        size_t n = strlen(HASHES[i]);
        if (len > sizeof HASH - 1 + n && !strncasecmp(line + sizeof HASH - 1, HASHES[i], n))
            return true;
    }
    return false;
}

bool sdp_check(const char *sdp, size_t len, struct err *err)
{
    const char *end = sdp + len, *next;
    unsigned lines = 0, media = 0;
    bool any = false, good = false;

    if (len < 5 || memcmp(sdp, "v=0", 3) != 0 || memchr(sdp, '\0', len))
        return err_set(err, ERR_INVALID, "sdp_invalid", "an offer begins with v=0 and has no NUL");
    for (const char *line = sdp; line < end; line = next) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((eol ? eol : end) - line);
        next = eol ? eol + 1 : end;
        if (++lines > LINES_MAX)
            return err_set(err, ERR_TOO_LARGE, "sdp_too_large", "more than %d lines", LINES_MAX);
        if (n > 1 && line[0] == 'm' && line[1] == '=' && ++media > MEDIA_MAX)
            return err_set(err, ERR_TOO_LARGE, "sdp_too_many_media", "more than %d m-lines", MEDIA_MAX);
        if (n >= sizeof HASH - 1 && !memcmp(line, HASH, sizeof HASH - 1)) {
            any = true;
            good = good || strong(line, n);
        }
    }
    if (!any)
        return err_set(err, ERR_INVALID, "sdp_no_fingerprint", "no certificate fingerprint");
    return good || err_set(err, ERR_INVALID, "sdp_weak_fingerprint", "certificate hash weaker than sha-256");
}
