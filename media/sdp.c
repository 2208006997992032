/* sdp.c - reading offers; see sdp.h. One pass over the lines; an m-line's codecs are put together at its end,
 * because rtpmap, fmtp and rtcp-fb come in any order. */
#include "media/sdp.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "core/crypto.h"

struct text { /* lent from the offer */
    const char *p;
    size_t len;
};

struct codec_lines { /* what one payload type of the current m-line has said so far */
    struct text rtpmap, fmtp;
    uint8_t fb;
};

struct reader {
    struct sdp_offer *out;
    struct sdp_media *m; /* current m-line, NULL in the session part */
    struct text fmts;    /* payload types of the current m-line */
    struct codec_lines codecs[128];
    uint8_t fb_all;    /* a=rtcp-fb:* */
    struct text group; /* mids of the BUNDLE group */
    bool bundle, ice_lite, weak_hash, session_mux;
    enum sdp_dir session_dir;
    char session_setup[12], setup[12];
    bool setup_bad;
    bool bundle_only;
    unsigned lines;
};

/* ---- pieces of text ---- */

static bool is(struct text t, const char *word)
{
    return t.len == strlen(word) && memcmp(t.p, word, t.len) == 0;
}

static bool is_nocase(struct text t, const char *word)
{
    return t.len == strlen(word) && strncasecmp(t.p, word, t.len) == 0;
}

static bool starts(struct text t, const char *prefix, struct text *rest)
{
    size_t n = strlen(prefix);

    if (t.len < n || memcmp(t.p, prefix, n) != 0)
        return false;
    *rest = (struct text){t.p + n, t.len - n};
    return true;
}

/* Up to the separator; *rest is what follows it. */
static struct text cut(struct text *rest, char sep)
{
    const char *at = rest->len ? memchr(rest->p, sep, rest->len) : NULL;
    struct text head = {rest->p, at ? (size_t)(at - rest->p) : rest->len};

    *rest = at ? (struct text){at + 1, rest->len - head.len - 1} : (struct text){rest->p + rest->len, 0};
    return head;
}

static struct text word(struct text *rest)
{
    while (rest->len && rest->p[0] == ' ')
        *rest = (struct text){rest->p + 1, rest->len - 1};
    return cut(rest, ' ');
}

static bool number(struct text t, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (t.len == 0 || t.len > 19)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(t.p[i] - '0');
    }
    *out = v;
    return v <= max;
}

/* RFC 8866 token, or with ice set RFC 8839 ice-char: both are safe to echo in a line of ours. */
static bool token(struct text t, size_t min, size_t max, bool ice)
{
    if (t.len < min || t.len > max)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.p[i];

        if (!isalnum(c) && !(ice ? c == '+' || c == '/' : memchr("!#$%&'*+-.^_`{|}~/", c, 18) != NULL))
            return false;
    }
    return true;
}

static void copy(char *out, size_t cap, struct text t)
{
    size_t n = t.len < cap - 1 ? t.len : cap - 1;

    memcpy(out, t.p, n);
    out[n] = '\0';
}

/* ---- codecs of one m-line ---- */

static const struct {
    const char *map; /* rtpmap without the payload type */
    enum sdp_kind kind;
    enum codec codec;
} KNOWN[] = {
    {"opus/48000/2", SDP_AUDIO, CODEC_OPUS},
    {"opus/48000", SDP_AUDIO, CODEC_OPUS}, /* against RFC 7587 7, and what GStreamer writes from short caps */
    {"VP8/90000", SDP_VIDEO, CODEC_VP8},
    {"H264/90000", SDP_VIDEO, CODEC_H264},
};

/* "name=value" of an fmtp line, names compared without case. */
static bool fmtp_param(struct text fmtp, const char *name, struct text *value)
{
    while (fmtp.len) {
        struct text one = cut(&fmtp, ';'), key;

        while (one.len && one.p[0] == ' ')
            one = (struct text){one.p + 1, one.len - 1};
        key = cut(&one, '=');
        if (is_nocase(key, name)) {
            *value = one;
            return true;
        }
    }
    return false;
}

/* Only packetization-mode 1 (RFC 6184): mode 0 has no fragments, and a picture must fit a packet. */
static bool h264_params(struct text fmtp, struct sdp_codec *c)
{
    struct text v;
    uint8_t profile[3] = {0x42, 0xe0, 0x1f};

    if (!fmtp_param(fmtp, "packetization-mode", &v) || !is(v, "1"))
        return false;
    if (fmtp_param(fmtp, "profile-level-id", &v) && (v.len != 6 || !crypto_unhex(v.p, 6, profile, 3)))
        return false;
    c->h264_profile = profile[0];
    c->h264_constraints = profile[1];
    c->h264_level = profile[2];
    return true;
}

static bool known_codec(const struct reader *r, uint8_t pt, struct sdp_codec *c)
{
    const struct codec_lines *l = &r->codecs[pt];
    struct text v;

    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        if (KNOWN[i].kind != r->m->kind || !is_nocase(l->rtpmap, KNOWN[i].map))
            continue;
        *c = (struct sdp_codec){.codec = KNOWN[i].codec, .pt = pt, .fb = (uint8_t)(l->fb | r->fb_all)};
        if (c->codec == CODEC_H264)
            return h264_params(l->fmtp, c);
        if (c->codec == CODEC_OPUS) {
            c->inband_fec = fmtp_param(l->fmtp, "useinbandfec", &v) && is(v, "1");
            c->stereo = fmtp_param(l->fmtp, "stereo", &v) && is(v, "1");
        }
        return true;
    }
    return false;
}

static void find_rtx(struct reader *r, uint8_t pt)
{
    uint64_t apt;
    struct text v;

    if (!is_nocase(r->codecs[pt].rtpmap, "rtx/90000") && !is_nocase(r->codecs[pt].rtpmap, "rtx/48000"))
        return;
    if (!fmtp_param(r->codecs[pt].fmtp, "apt", &v) || !number(v, 127, &apt))
        return;
    for (unsigned i = 0; i < r->m->codec_count; i++)
        if (r->m->codecs[i].pt == apt)
            r->m->codecs[i].rtx_pt = pt;
}

static void finish_codecs(struct reader *r)
{
    struct sdp_media *m = r->m;

    for (int pass = 0; pass < 2; pass++) {
        struct text fmts = r->fmts;

        while (fmts.len) {
            uint64_t pt;

            if (!number(word(&fmts), 127, &pt))
                continue;
            if (pass == 1)
                find_rtx(r, (uint8_t)pt);
            else if (m->codec_count < SDP_CODECS_MAX &&
                     known_codec(r, (uint8_t)pt, &m->codecs[m->codec_count]))
                m->codec_count++;
        }
    }
}

/* ---- attributes ---- */

static bool malformed(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "sdp_malformed", "offer: %s", what);
}

static bool on_ice(char *out, size_t cap, size_t min, struct text v, struct err *err)
{
    if (!token(v, min, cap - 1, true))
        return malformed(err, "ICE credentials");
    copy(out, cap, v);
    return true;
}

/* "sha-256 AB:CD:…". Of several the longest hash counts; sha-1 and md5 only leave their mark. */
static bool on_fingerprint(struct reader *r, struct text v, struct err *err)
{
    static const struct {
        const char *name;
        uint8_t len;
    } HASHES[] = {{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}};
    struct text name = word(&v), hex = word(&v);
    struct sdp_fingerprint f = {0};

    for (size_t i = 0; i < 3; i++) {
        if (!is_nocase(name, HASHES[i].name))
            continue;
        if (hex.len != (size_t)HASHES[i].len * 3 - 1)
            return malformed(err, "fingerprint length");
        for (uint8_t k = 0; k < HASHES[i].len; k++)
            if (!crypto_unhex(hex.p + 3 * k, 2, f.digest + k, 1) || (k && hex.p[3 * k - 1] != ':'))
                return malformed(err, "fingerprint digits");
        memcpy(f.hash, HASHES[i].name, 8);
        f.len = HASHES[i].len;
        if (f.len > r->out->fingerprint.len)
            r->out->fingerprint = f;
        return true;
    }
    r->weak_hash = true;
    return true;
}

static bool on_extmap(struct reader *r, struct text v)
{
    static const char *const URIS[RTP_EXT_COUNT] = {
        [RTP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
        [RTP_EXT_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        [RTP_EXT_ABS_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        [RTP_EXT_TWCC] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    };
    struct text id = word(&v), uri = word(&v);
    uint64_t n;

    id = cut(&id, '/'); /* "3/recvonly" */
    if (!number(id, 4096, &n) || n == 0)
        return false;
    if (n > 255 || !r->m)
        return true; /* beyond two-byte ids: negotiable, but not by us */
    for (int i = 0; i < RTP_EXT_COUNT; i++)
        if (is(uri, URIS[i]))
            r->m->ext.id[i] = (uint8_t)n;
    return true;
}

static struct sdp_ssrc *ssrc_entry(struct sdp_media *m, uint32_t ssrc)
{
    for (unsigned i = 0; i < m->ssrc_count; i++)
        if (m->ssrcs[i].ssrc == ssrc || m->ssrcs[i].rtx == ssrc)
            return &m->ssrcs[i];
    if (m->ssrc_count == SDP_SSRCS_MAX)
        return NULL;
    m->ssrcs[m->ssrc_count] = (struct sdp_ssrc){ssrc, 0};
    return &m->ssrcs[m->ssrc_count++];
}

static bool on_ssrc(struct reader *r, struct text v)
{
    uint64_t ssrc;

    if (!number(word(&v), UINT32_MAX, &ssrc))
        return false;
    ssrc_entry(r->m, (uint32_t)ssrc);
    return true;
}

/* "FID media rtx": the second repairs the first, in whatever order the a=ssrc lines come. */
static bool on_ssrc_group(struct reader *r, struct text v)
{
    uint64_t media, rtx;
    struct sdp_ssrc *e;

    if (!is(word(&v), "FID"))
        return true;
    if (!number(word(&v), UINT32_MAX, &media) || !number(word(&v), UINT32_MAX, &rtx))
        return false;
    for (unsigned i = 0; i < r->m->ssrc_count; i++)
        if (r->m->ssrcs[i].ssrc == rtx)
            r->m->ssrcs[i] = r->m->ssrcs[--r->m->ssrc_count];
    e = ssrc_entry(r->m, (uint32_t)media);
    if (e)
        e->rtx = (uint32_t)rtx;
    return true;
}

static bool on_rtcp_fb(struct reader *r, struct text v)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } FBS[] = {{"nack", SDP_FB_NACK},
               {"nack pli", SDP_FB_PLI},
               {"ccm fir", SDP_FB_FIR},
               {"goog-remb", SDP_FB_REMB},
               {"transport-cc", SDP_FB_TWCC}};
    struct text pt = word(&v);
    uint64_t n = 0;
    uint8_t *fb = &r->fb_all;

    if (!is(pt, "*")) {
        if (!number(pt, 127, &n))
            return false;
        fb = &r->codecs[n].fb;
    }
    for (size_t i = 0; i < sizeof(FBS) / sizeof(FBS[0]); i++)
        if (is(v, FBS[i].name))
            *fb |= FBS[i].bit;
    return true;
}

static bool on_codec_line(struct reader *r, struct text v, bool rtpmap)
{
    struct text pt = word(&v);
    uint64_t n;

    if (!number(pt, 127, &n))
        return false;
    *(rtpmap ? &r->codecs[n].rtpmap : &r->codecs[n].fmtp) = v;
    return true;
}

static bool on_direction(struct reader *r, struct text a)
{
    static const char *const DIRS[] = {"sendrecv", "sendonly", "recvonly", "inactive"};

    for (int i = 0; i < 4; i++)
        if (is(a, DIRS[i])) {
            *(r->m ? &r->m->dir : &r->session_dir) = (enum sdp_dir)i;
            return true;
        }
    return false;
}

/* Attributes that only mean something below an m-line. */
static bool on_media_attr(struct reader *r, struct text a, struct err *err)
{
    struct text v;

    if (starts(a, "mid:", &v)) {
        if (!token(v, 1, RTP_MID_MAX, false))
            return malformed(err, "mid");
        copy(r->m->mid, sizeof(r->m->mid), v);
    } else if (starts(a, "rtpmap:", &v) || starts(a, "fmtp:", &v)) {
        if (!on_codec_line(r, v, a.p[0] == 'r'))
            return malformed(err, "rtpmap or fmtp");
    } else if (starts(a, "rtcp-fb:", &v)) {
        if (!on_rtcp_fb(r, v))
            return malformed(err, "rtcp-fb");
    } else if (starts(a, "ssrc:", &v)) {
        if (!on_ssrc(r, v))
            return malformed(err, "ssrc");
    } else if (starts(a, "ssrc-group:", &v)) {
        if (!on_ssrc_group(r, v))
            return malformed(err, "ssrc-group");
    } else if (is(a, "rtcp-mux")) {
        r->m->rtcp_mux = true;
    } else if (is(a, "rtcp-rsize")) {
        r->m->rtcp_rsize = true;
    } else if (is(a, "bundle-only")) {
        r->bundle_only = true;
    }
    return true;
}

static bool on_attr(struct reader *r, struct text a, struct err *err)
{
    struct sdp_offer *o = r->out;
    struct text v;

    if (starts(a, "group:BUNDLE", &v) && !r->m) {
        r->bundle = true;
        r->group = v;
        return true;
    }
    if (is(a, "ice-lite"))
        r->ice_lite = true;
    else if (is(a, "extmap-allow-mixed"))
        o->extmap_mixed = true;
    else if (starts(a, "setup:", &v))
        copy(r->m ? r->setup : r->session_setup, sizeof(r->setup), v);
    /* Of a bundle the first m-line's transport counts (RFC 8843 7.2.1). */
    else if (starts(a, "ice-ufrag:", &v))
        return (o->ufrag[0] && r->m) || on_ice(o->ufrag, sizeof(o->ufrag), 4, v, err);
    else if (starts(a, "ice-pwd:", &v))
        return (o->pwd[0] && r->m) || on_ice(o->pwd, sizeof(o->pwd), 22, v, err);
    else if (starts(a, "fingerprint:", &v))
        return on_fingerprint(r, v, err);
    else if (starts(a, "extmap:", &v))
        return on_extmap(r, v) || malformed(err, "extmap");
    else if (!on_direction(r, a) && r->m)
        return on_media_attr(r, a, err);
    return true;
}

/* ---- m-lines ---- */

static bool in_group(const struct reader *r, const char *mid)
{
    struct text g = r->group;

    while (g.len)
        if (is(word(&g), mid))
            return true;
    return false;
}

static bool check_transport(struct reader *r, struct err *err)
{
    const char *setup = r->setup[0] ? r->setup : r->session_setup;

    if (strcmp(r->m->proto, "UDP/TLS/RTP/SAVPF") != 0 && strcmp(r->m->proto, "TCP/DTLS/RTP/SAVPF") != 0)
        return err_set(err, ERR_UNSUPPORTED, "sdp_not_secure", "offer: transport %s", r->m->proto);
    /* We are the DTLS server always (RFC 8842), so the other side must be able to begin. */
    if (strcmp(setup, "actpass") != 0 && strcmp(setup, "active") != 0)
        return err_set(err, ERR_INVALID, "sdp_bad_setup", "offer: a=setup:%s", setup);
    if (!r->m->rtcp_mux)
        return err_set(err, ERR_INVALID, "sdp_no_rtcp_mux", "offer: RTCP on a port of its own");
    return true;
}

/* At the end of each m-line. */
static bool finish_media(struct reader *r, struct err *err)
{
    struct sdp_media *m = r->m;

    if (!m)
        return true;
    if (r->bundle_only)
        m->rejected = false;
    if (m->kind == SDP_OTHER || m->rejected)
        return true;
    finish_codecs(r);
    return check_transport(r, err);
}

static bool on_media(struct reader *r, struct text v, struct err *err)
{
    struct text type = word(&v), port = word(&v), proto = word(&v);
    struct text first = v;
    uint64_t n;

    if (!finish_media(r, err))
        return false;
    if (r->out->media_count == SDP_MEDIA_MAX)
        return err_set(err, ERR_TOO_LARGE, "sdp_too_many_media", "offer: more than %d m-lines",
                       SDP_MEDIA_MAX);
    r->m = &r->out->media[r->out->media_count++];
    r->fmts = v;
    first = word(&first);
    port = cut(&port, '/');
    if (!token(type, 1, sizeof(r->m->type) - 1, false) || !number(port, 65535, &n) ||
        !token(proto, 1, sizeof(r->m->proto) - 1, false) ||
        !token(first, 1, sizeof(r->m->first_fmt) - 1, false))
        return malformed(err, "m-line");
    copy(r->m->type, sizeof(r->m->type), type);
    copy(r->m->proto, sizeof(r->m->proto), proto);
    copy(r->m->first_fmt, sizeof(r->m->first_fmt), first);
    r->m->kind = is(type, "audio") ? SDP_AUDIO : is(type, "video") ? SDP_VIDEO : SDP_OTHER;
    r->m->dir = r->session_dir;
    r->m->rejected = n == 0;
    memset(r->codecs, 0, sizeof(r->codecs));
    r->fb_all = 0;
    r->setup[0] = '\0';
    r->bundle_only = false;
    return true;
}

static bool on_origin(struct reader *r, struct text v, struct err *err)
{
    struct text id;

    word(&v);
    id = word(&v);
    if (!token(id, 1, sizeof(r->out->session_id) - 1, false))
        return malformed(err, "o=");
    copy(r->out->session_id, sizeof(r->out->session_id), id);
    return true;
}

static bool on_line(struct reader *r, struct text line, struct err *err)
{
    struct text v = {line.p + 2, line.len - 2};

    if (line.len < 2 || line.p[1] != '=' || line.p[0] < 'a' || line.p[0] > 'z')
        return malformed(err, "a line is not x=value");
    switch (line.p[0]) {
    case 'o':
        return r->m || on_origin(r, v, err);
    case 'm':
        return on_media(r, v, err);
    case 'a':
        return on_attr(r, v, err);
    default:
        return true; /* v s t c b i k u e p r z: nothing we need */
    }
}

static bool each_line(struct reader *r, const char *text, size_t len,
                      bool (*fn)(struct reader *r, struct text line, struct err *err), struct err *err)
{
    struct text rest = {text, len};

    if (len > SDP_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "sdp_too_large", "%zu bytes of SDP", len);
    if (len == 0 || memchr(text, '\0', len))
        return malformed(err, "empty, or with a NUL");
    while (rest.len) {
        struct text line = cut(&rest, '\n');

        if (line.len && line.p[line.len - 1] == '\r')
            line.len--;
        if (++r->lines > SDP_LINES_MAX)
            return err_set(err, ERR_TOO_LARGE, "sdp_too_large", "more than %d lines of SDP", SDP_LINES_MAX);
        if (line.len == 0)
            continue;
        if (memchr(line.p, '\r', line.len))
            return malformed(err, "a bare CR");
        if (!fn(r, line, err))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool check_bundle(const struct reader *r, struct err *err)
{
    const struct sdp_offer *o = r->out;
    unsigned alive = 0;

    for (unsigned i = 0; i < o->media_count; i++) {
        const struct sdp_media *m = &o->media[i];

        if (!m->rejected && m->kind != SDP_OTHER)
            alive++;
        for (unsigned k = 0; m->mid[0] && k < i; k++)
            if (!m->rejected && !o->media[k].rejected && strcmp(m->mid, o->media[k].mid) == 0)
                return malformed(err, "two m-lines with one mid");
    }
    if (alive == 0)
        return err_set(err, ERR_INVALID, "sdp_no_media", "offer: no audio or video");
    for (unsigned i = 0; i < o->media_count; i++) {
        const struct sdp_media *m = &o->media[i];

        if (m->rejected || m->kind == SDP_OTHER)
            continue;
        if (!m->mid[0] && (r->bundle || alive > 1))
            return malformed(err, "m-line without mid");
        if (r->bundle ? !in_group(r, m->mid) : alive > 1)
            return err_set(err, ERR_INVALID, "sdp_not_bundled", "offer: m-line %u outside of the bundle", i);
    }
    return true;
}

bool sdp_parse_offer(struct sdp_offer *out, const char *text, size_t len, struct err *err)
{
    struct reader *r = calloc(1, sizeof(*r));
    bool ok = false;

    memset(out, 0, sizeof(*out));
    if (!r)
        return err_set(err, ERR_INTERNAL, "out_of_memory", "SDP reader");
    r->out = out;
    if (!each_line(r, text, len, on_line, err) || !finish_media(r, err) || !check_bundle(r, err))
        goto out;
    if (!out->session_id[0])
        malformed(err, "no o= line");
    else if (r->ice_lite)
        err_set(err, ERR_UNSUPPORTED, "sdp_ice_lite", "offer: both sides would be ICE-lite");
    else if (!out->ufrag[0] || !out->pwd[0])
        err_set(err, ERR_INVALID, "sdp_no_ice", "offer: no ICE credentials");
    else if (out->fingerprint.len == 0 && r->weak_hash)
        err_set(err, ERR_INVALID, "sdp_weak_fingerprint", "offer: certificate hash weaker than sha-256");
    else if (out->fingerprint.len == 0)
        err_set(err, ERR_INVALID, "sdp_no_fingerprint", "offer: no certificate fingerprint");
    else
        ok = true;
out:
    free(r);
    return ok;
}

/* ---- trickle fragments ---- */

static bool on_fragment_line(struct reader *r, struct text line, struct err *err)
{
    struct sdp_offer *o = r->out;
    struct text v;

    if (starts(line, "a=ice-ufrag:", &v))
        return o->ufrag[0] || on_ice(o->ufrag, sizeof(o->ufrag), 4, v, err);
    if (starts(line, "a=ice-pwd:", &v))
        return o->pwd[0] || on_ice(o->pwd, sizeof(o->pwd), 22, v, err);
    return line.len >= 2 && line.p[1] == '=' ? true : malformed(err, "a line is not x=value");
}

bool sdp_parse_fragment(struct sdp_fragment *out, const char *text, size_t len, struct err *err)
{
    struct sdp_offer *o = calloc(1, sizeof(*o));
    struct reader *r = calloc(1, sizeof(*r));
    bool ok = false;

    memset(out, 0, sizeof(*out));
    if (!o || !r) {
        err_set(err, ERR_INTERNAL, "out_of_memory", "SDP reader");
        goto out;
    }
    r->out = o;
    if (!each_line(r, text, len, on_fragment_line, err))
        goto out;
    memcpy(out->ufrag, o->ufrag, sizeof(out->ufrag));
    memcpy(out->pwd, o->pwd, sizeof(out->pwd));
    ok = true;
out:
    free(r);
    free(o);
    return ok;
}
