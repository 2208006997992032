/* sdp_fuzz.c - offers and fragments of strangers; what is taken must be answerable without echoing a line of theirs. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "media/sdp.h"

static void answer(const struct sdp_offer *o)
{
    static const char *const ADDRESSES[] = {"192.0.2.1", NULL};
    struct sdp_answer *a = calloc(1, sizeof(*a));
    unsigned lines = 0;
    size_t len;
    char *text;

    a->ufrag = a->pwd = a->cname = "x";
    a->fingerprint = "sha-256 00";
    a->addresses = ADDRESSES;
    for (unsigned i = 0; i < o->media_count; i++) {
        struct sdp_answer_media *m = &a->media[i];

        m->accepted = !o->media[i].rejected && o->media[i].codec_count > 0;
        m->dir = i & 1 ? SDP_SENDONLY : SDP_RECVONLY;
        m->ext = o->media[i].ext;
        m->fb = 0xff;
        m->codec_count = o->media[i].codec_count;
        for (unsigned k = 0; k < m->codec_count; k++)
            m->codecs[k] = &o->media[i].codecs[k];
    }
    text = sdp_write_answer(o, a, &len);
    assert(text && strlen(text) == len);
    for (const char *at = text; (at = strstr(at, "\r\nm=")) != NULL; at++)
        lines++;
    assert(lines == o->media_count); /* nobody smuggled one in */
    free(text);
    free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sdp_offer *o = malloc(sizeof(*o));
    struct sdp_fragment f;
    struct err err = ERR_INIT;

    if (sdp_parse_offer(o, (const char *)data, len, &err)) {
        assert(err.code == ERR_NONE && o->media_count <= SDP_MEDIA_MAX && o->fingerprint.len >= 32);
        answer(o);
    } else {
        assert(err.code != ERR_NONE && err.reason[0]);
    }
    err_clear(&err);
    sdp_parse_fragment(&f, (const char *)data, len, &err);
    free(o);
    return 0;
}
