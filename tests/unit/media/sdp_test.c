/* sdp_test.c - offers of real programs, offers of nobody's, and the answers we write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "media/sdp.h"
#include "tests/unit/test.h"

static char *slurp(struct test *t, const char *name, size_t *len)
{
    char path[512];
    char *text;
    FILE *f;
    long n;

    snprintf(path, sizeof(path), SDP_FIXTURES "/%s.sdp", name);
    f = fopen(path, "r");
    CHECK(f != NULL);
    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    text = calloc(1, (size_t)n + 1);
    test_cleanup(t, free, text);
    *len = fread(text, 1, (size_t)n, f);
    fclose(f);
    return text;
}

static struct sdp_offer *offer_new(struct test *t)
{
    struct sdp_offer *o = calloc(1, sizeof(*o));

    test_cleanup(t, free, o);
    return o;
}

/* ---- real offers ---- */

struct expect {
    const char *name;
    unsigned media;
    struct {
        enum sdp_kind kind;
        enum sdp_dir dir;
        const char *mid;
        enum codec first; /* of those we know, in their order */
        unsigned codecs;  /* how many of those */
        bool rtx, twcc, remb, nack;
        unsigned ssrcs;
    } line[2];
};

static const struct expect REAL[] = {
    {"chromium",
     6,
     {{SDP_AUDIO, SDP_SENDONLY, "0", CODEC_OPUS, 1, 0, 1, 0, 0, 1},
      {SDP_VIDEO, SDP_SENDONLY, "1", CODEC_VP8, 4, 1, 1, 1, 1, 1}}},
    {"firefox",
     6,
     {{SDP_AUDIO, SDP_SENDONLY, "0", CODEC_OPUS, 1, 0, 1, 0, 0, 1},
      {SDP_VIDEO, SDP_SENDONLY, "1", CODEC_VP8, 1, 1, 1, 1, 1, 1}}},
    {"aiortc",
     4,
     {{SDP_AUDIO, SDP_SENDONLY, "0", CODEC_OPUS, 1, 0, 0, 0, 0, 1},
      {SDP_VIDEO, SDP_SENDONLY, "1", CODEC_VP8, 3, 1, 0, 1, 1, 1}}},
    {"gstreamer",
     2,
     {{SDP_VIDEO, SDP_SENDONLY, "video0", CODEC_H264, 1, 0, 1, 0, 0, 1},
      {SDP_AUDIO, SDP_SENDONLY, "audio1", CODEC_OPUS, 1, 0, 1, 0, 0, 1}}},
    {"gstreamer-recv",
     2,
     {{SDP_AUDIO, SDP_RECVONLY, "audio0", CODEC_OPUS, 1, 0, 1, 0, 0, 0},
      {SDP_VIDEO, SDP_RECVONLY, "video1", CODEC_H264, 1, 0, 1, 0, 0, 0}}},
    {"obs",
     2,
     {{SDP_AUDIO, SDP_SENDONLY, "0", CODEC_OPUS, 1, 0, 0, 0, 0, 1},
      {SDP_VIDEO, SDP_SENDONLY, "1", CODEC_H264, 1, 0, 0, 1, 1, 1}}},
};

TEST(sdp, offers_of_real_programs_are_understood)
{
    for (size_t i = 0; i < sizeof(REAL) / sizeof(REAL[0]); i++) {
        struct sdp_offer *o = offer_new(t);
        struct err err = ERR_INIT;
        size_t len;
        char *text = slurp(t, REAL[i].name, &len);

        CHECK_OK(sdp_parse_offer(o, text, len, &err), &err);
        CHECK_INT(o->media_count, REAL[i].media);
        CHECK_INT(o->fingerprint.len, 32);
        CHECK(o->ufrag[0] && o->pwd[0] && o->session_id[0]);
        for (int k = 0; k < 2; k++) {
            const struct sdp_media *m = &o->media[k];
            const struct sdp_codec *c = &m->codecs[0];

            CHECK_INT(m->kind, REAL[i].line[k].kind);
            CHECK_INT(m->dir, REAL[i].line[k].dir);
            CHECK_STR(m->mid, REAL[i].line[k].mid);
            CHECK_INT(m->codec_count, REAL[i].line[k].codecs);
            CHECK_INT(c->codec, REAL[i].line[k].first);
            CHECK_INT(c->rtx_pt != 0, REAL[i].line[k].rtx);
            CHECK_INT((c->fb & SDP_FB_TWCC) != 0, REAL[i].line[k].twcc);
            CHECK_INT((c->fb & SDP_FB_REMB) != 0, REAL[i].line[k].remb);
            CHECK_INT((c->fb & SDP_FB_NACK) != 0, REAL[i].line[k].nack);
            CHECK_INT(m->ssrc_count, REAL[i].line[k].ssrcs);
        }
    }
}

TEST(sdp, a_retransmission_ssrc_belongs_to_its_media_ssrc)
{
    struct sdp_offer *o = offer_new(t);
    struct err err = ERR_INIT;
    size_t len;
    char *text = slurp(t, "aiortc", &len);

    CHECK_OK(sdp_parse_offer(o, text, len, &err), &err);
    CHECK_INT(o->media[1].ssrcs[0].ssrc, 2522703044u);
    CHECK_INT(o->media[1].ssrcs[0].rtx, 1791723780u);
}

/* ---- offers we make ---- */

#define HEAD "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define FP                                                                                                   \
    "a=fingerprint:sha-256 "                                                                                 \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:"                \
    "1D:1E:1F\r\n"
#define SHA1_FP "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n"
#define ICE     "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
#define AUDIO(mid)                                                                                           \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:" mid                                                          \
    "\r\na=rtcp-mux\r\na=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\n"
#define GOOD HEAD "a=group:BUNDLE 0\r\n" FP ICE AUDIO("0")

static const struct {
    const char *what, *sdp;
    enum err_code code;
    const char *reason;
} REFUSED[] = {
    {"no fingerprint", HEAD "a=group:BUNDLE 0\r\n" ICE AUDIO("0"), ERR_INVALID, "sdp_no_fingerprint"},
    {"only sha-1", HEAD "a=group:BUNDLE 0\r\n" SHA1_FP ICE AUDIO("0"), ERR_INVALID, "sdp_weak_fingerprint"},
    {"cut fingerprint", HEAD "a=fingerprint:sha-256 00:01\r\n" ICE AUDIO("0"), ERR_INVALID, "sdp_malformed"},
    {"plain RTP", HEAD FP ICE "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=rtcp-mux\r\na=setup:actpass\r\n",
     ERR_UNSUPPORTED, "sdp_not_secure"},
    {"keys in the open",
     HEAD FP ICE "m=audio 9 RTP/SAVPF 111\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n",
     ERR_UNSUPPORTED, "sdp_not_secure"},
    {"passive", HEAD FP ICE "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtcp-mux\r\na=setup:passive\r\n",
     ERR_INVALID, "sdp_bad_setup"},
    {"no setup", HEAD FP ICE "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtcp-mux\r\n", ERR_INVALID,
     "sdp_bad_setup"},
    {"no rtcp-mux", HEAD FP ICE "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=setup:actpass\r\n",
     ERR_INVALID, "sdp_no_rtcp_mux"},
    {"two lines, no bundle", HEAD FP ICE AUDIO("0") AUDIO("1"), ERR_INVALID, "sdp_not_bundled"},
    {"one line outside of the bundle", HEAD "a=group:BUNDLE 0\r\n" FP ICE AUDIO("0") AUDIO("1"), ERR_INVALID,
     "sdp_not_bundled"},
    {"one mid twice", HEAD "a=group:BUNDLE 0\r\n" FP ICE AUDIO("0") AUDIO("0"), ERR_INVALID, "sdp_malformed"},
    {"no mid in a bundle",
     HEAD "a=group:BUNDLE 0\r\n" FP ICE
          "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\na=setup:actpass\r\n",
     ERR_INVALID, "sdp_malformed"},
    {"mid of 17 letters", HEAD FP ICE AUDIO("abcdefghijklmnopq"), ERR_INVALID, "sdp_malformed"},
    {"mid that would inject a line", HEAD FP ICE AUDIO("0 a=x"), ERR_INVALID, "sdp_malformed"},
    {"no ICE", HEAD FP AUDIO("0"), ERR_INVALID, "sdp_no_ice"},
    {"short ufrag", HEAD FP "a=ice-ufrag:abc\r\n" AUDIO("0"), ERR_INVALID, "sdp_malformed"},
    {"both lite", HEAD "a=ice-lite\r\n" FP ICE AUDIO("0"), ERR_UNSUPPORTED, "sdp_ice_lite"},
    {"nothing to hear or see", HEAD FP ICE "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n",
     ERR_INVALID, "sdp_no_media"},
    {"all rejected", HEAD FP ICE "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n", ERR_INVALID,
     "sdp_no_media"},
    {"no o= line", "v=0\r\n" FP ICE AUDIO("0"), ERR_INVALID, "sdp_malformed"},
    {"not SDP", "hello", ERR_INVALID, "sdp_malformed"},
    {"HTML", "<!doctype html>\n", ERR_INVALID, "sdp_malformed"},
    {"empty", "", ERR_INVALID, "sdp_malformed"},
    {"bare CR", HEAD "a=x\ra=y\r\n" FP ICE AUDIO("0"), ERR_INVALID, "sdp_malformed"},
    {"payload type 200", HEAD FP ICE AUDIO("0") "a=rtpmap:200 opus/48000/2\r\n", ERR_INVALID,
     "sdp_malformed"},
    {"port 99999", HEAD FP ICE "m=audio 99999 UDP/TLS/RTP/SAVPF 111\r\n", ERR_INVALID, "sdp_malformed"},
};

TEST(sdp, each_bad_offer_is_refused_with_its_own_word)
{
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        struct sdp_offer *o = offer_new(t);
        struct err err = ERR_INIT;
        bool ok = sdp_parse_offer(o, REFUSED[i].sdp, strlen(REFUSED[i].sdp), &err);

        if (ok || strcmp(err.reason, REFUSED[i].reason) != 0)
            fail_msg("%s: %s instead of %s", REFUSED[i].what, ok ? "taken" : err.reason, REFUSED[i].reason);
        CHECK_ERR(ok, &err, REFUSED[i].code, REFUSED[i].reason);
    }
}

TEST(sdp, the_smallest_good_offer_is_taken)
{
    struct sdp_offer *o = offer_new(t);
    struct err err = ERR_INIT;

    CHECK_OK(sdp_parse_offer(o, GOOD, strlen(GOOD), &err), &err);
    CHECK_INT(o->media[0].codecs[0].pt, 111);
    CHECK_INT(o->fingerprint.digest[31], 0x1f);
}

TEST(sdp, a_nul_byte_is_refused)
{
    struct sdp_offer *o = offer_new(t);
    struct err err = ERR_INIT;
    char text[] = GOOD;

    text[20] = '\0';
    CHECK_ERR(sdp_parse_offer(o, text, sizeof(text) - 1, &err), &err, ERR_INVALID, "sdp_malformed");
}

static char *repeated(struct test *t, const char *head, const char *one, unsigned times)
{
    size_t h = strlen(head), n = strlen(one);
    char *text = malloc(h + n * times + 1);

    test_cleanup(t, free, text);
    memcpy(text, head, h);
    for (unsigned i = 0; i < times; i++)
        memcpy(text + h + i * n, one, n);
    text[h + n * times] = '\0';
    return text;
}

TEST(sdp, a_thousand_media_lines_are_refused_in_no_time)
{
    char *text =
        repeated(t, HEAD FP ICE, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\na=setup:active\r\n", 1000);
    struct sdp_offer *o = offer_new(t);
    struct err err = ERR_INIT;
    int64_t before = clock_mono_us();
    bool ok = sdp_parse_offer(o, text, strlen(text), &err);
    int64_t took = clock_mono_us() - before;

    CHECK_ERR(ok, &err, ERR_TOO_LARGE, "sdp_too_many_media");
    CHECK(took < 5000);
}

TEST(sdp, a_mebibyte_and_ten_thousand_lines_are_refused_in_no_time)
{
    char *big = repeated(t, GOOD, "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", 25000);
    char *lines = repeated(t, GOOD, "b=\n", 10000);
    struct sdp_offer *o = offer_new(t);
    struct err err = ERR_INIT;
    int64_t before = clock_mono_us();

    CHECK_ERR(sdp_parse_offer(o, big, strlen(big), &err), &err, ERR_TOO_LARGE, "sdp_too_large");
    CHECK_ERR(sdp_parse_offer(o, lines, strlen(lines), &err), &err, ERR_TOO_LARGE, "sdp_too_large");
    CHECK(clock_mono_us() - before < 5000);
}

/* ---- answers ---- */

static char *answer(struct test *t, const struct sdp_offer *o, struct sdp_answer *a)
{
    static const char *const ADDRESSES[] = {"192.0.2.1", "2001:db8::1", NULL};
    size_t len;
    char *text;

    a->session_id = 7;
    a->version = 1;
    a->ufrag = "0+aaaaaaaaaaaaaaaaaaaa";
    a->pwd = "bbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    a->fingerprint = "sha-256 00";
    a->cname = "yz-1";
    a->addresses = ADDRESSES;
    a->port = 20000;
    text = sdp_write_answer(o, a, &len);
    CHECK(text != NULL);
    test_cleanup(t, free, text);
    CHECK_INT(strlen(text), len);
    return text;
}

TEST(sdp, an_answer_names_transport_codecs_and_sources)
{
    struct sdp_offer *o = offer_new(t);
    struct sdp_answer *a = calloc(1, sizeof(*a));
    struct err err = ERR_INIT;
    size_t len;
    char *offer = slurp(t, "aiortc", &len), *text;

    test_cleanup(t, free, a);
    CHECK_OK(sdp_parse_offer(o, offer, len, &err), &err);
    a->media[1] = (struct sdp_answer_media){.accepted = true,
                                            .dir = SDP_SENDONLY,
                                            .codecs = {&o->media[1].codecs[0]},
                                            .codec_count = 1,
                                            .fb = SDP_FB_NACK,
                                            .ssrc = 11,
                                            .rtx_ssrc = 12,
                                            .stream = "seat-0"};
    text = answer(t, o, a);
    CHECK(strstr(text, "m=audio 0 UDP/TLS/RTP/SAVPF 96\r\n") != NULL);
    CHECK(strstr(text, "a=group:BUNDLE 1\r\n") != NULL);
    CHECK(strstr(text, "m=video 20000 UDP/TLS/RTP/SAVPF 97 98\r\n") != NULL);
    CHECK(strstr(text, "a=candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host\r\n") != NULL);
    CHECK(strstr(text, "a=candidate:2 1 udp 2130706175 2001:db8::1 20000 typ host\r\n") != NULL);
    CHECK(strstr(text, "a=end-of-candidates\r\n") != NULL && strstr(text, "a=ice-lite\r\n") != NULL);
    CHECK(strstr(text, "a=setup:passive\r\n") != NULL && strstr(text, "a=rtcp-mux\r\n") != NULL);
    CHECK(strstr(text, "a=sendonly\r\n") != NULL && strstr(text, "a=msid:seat-0 seat-0-video\r\n") != NULL);
    CHECK(strstr(text, "a=ssrc-group:FID 11 12\r\na=ssrc:11 cname:yz-1\r\na=ssrc:12 cname:yz-1\r\n") != NULL);
    CHECK(strstr(text, "a=rtcp-fb:97 nack\r\n") != NULL && strstr(text, "goog-remb") == NULL);
    CHECK(strstr(text, "a=fmtp:98 apt=97\r\n") != NULL);
}

TEST(sdp, our_answer_is_itself_well_formed)
{
    struct sdp_offer *o = offer_new(t), *again = offer_new(t);
    struct sdp_answer *a = calloc(1, sizeof(*a));
    struct err err = ERR_INIT;
    size_t len;
    char *offer = slurp(t, "chromium", &len), *text;

    test_cleanup(t, free, a);
    CHECK_OK(sdp_parse_offer(o, offer, len, &err), &err);
    for (unsigned i = 0; i < o->media_count; i++)
        a->media[i] = (struct sdp_answer_media){
            .accepted = true, .dir = SDP_RECVONLY, .codecs = {&o->media[i].codecs[0]}, .codec_count = 1};
    text = answer(t, o, a);
    /* Our parser reads offers: it must object to nothing but what answers say differently. */
    CHECK_ERR(sdp_parse_offer(again, text, strlen(text), &err), &err, ERR_INVALID, NULL);
    CHECK(strcmp(err.reason, "sdp_bad_setup") == 0 || err.code == ERR_NONE);
}

TEST(sdp, a_restart_fragment_gives_its_credentials)
{
    static const char FRAG[] = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP "
                               "0\r\na=mid:0\r\na=end-of-candidates\r\n";
    struct sdp_fragment f;
    struct err err = ERR_INIT;

    CHECK_OK(sdp_parse_fragment(&f, FRAG, strlen(FRAG), &err), &err);
    CHECK_STR(f.ufrag, "EsAw");
    CHECK_STR(f.pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
    CHECK_OK(sdp_parse_fragment(&f, "a=end-of-candidates\r\n", 21, &err), &err);
    CHECK_STR(f.ufrag, "");
    CHECK_ERR(sdp_parse_fragment(&f, "junk", 4, &err), &err, ERR_INVALID, "sdp_malformed");
}
