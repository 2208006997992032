/* sdp_answer.c - writing answers; see sdp.h. Nothing of the offer is echoed except checked tokens and
 * numbers. */
#include "media/sdp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const DIRS[] = {"sendrecv", "sendonly", "recvonly", "inactive"};

static const char *family(const char *address)
{
    return strchr(address, ':') ? "IP6" : "IP4";
}

static void write_candidates(FILE *f, const struct sdp_answer *a)
{
    /* RFC 8445 5.1.2.1: host candidates, the first address preferred. */
    for (unsigned i = 0; a->addresses[i]; i++)
        fprintf(f, "a=candidate:%u 1 udp %u %s %u typ host\r\n", i + 1,
                (126u << 24) | ((65535u - i) << 8) | 255u, a->addresses[i], a->port);
    fprintf(f, "a=end-of-candidates\r\n");
}

static void write_codec(FILE *f, const struct sdp_codec *c, uint8_t fb)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } FBS[] = {{SDP_FB_NACK, "nack"},
               {SDP_FB_PLI, "nack pli"},
               {SDP_FB_FIR, "ccm fir"},
               {SDP_FB_REMB, "goog-remb"},
               {SDP_FB_TWCC, "transport-cc"}};
    static const char *const MAPS[] = {
        [CODEC_OPUS] = "opus/48000/2", [CODEC_VP8] = "VP8/90000", [CODEC_H264] = "H264/90000"};

    fprintf(f, "a=rtpmap:%u %s\r\n", c->pt, MAPS[c->codec]);
    for (size_t i = 0; i < sizeof(FBS) / sizeof(FBS[0]); i++)
        if (c->fb & fb & FBS[i].bit)
            fprintf(f, "a=rtcp-fb:%u %s\r\n", c->pt, FBS[i].name);
    if (c->codec == CODEC_OPUS)
        fprintf(f, "a=fmtp:%u minptime=10;useinbandfec=1%s\r\n", c->pt, c->stereo ? ";stereo=1" : "");
    if (c->codec == CODEC_H264)
        fprintf(f,
                "a=fmtp:%u level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=%02x%02x%02x\r\n",
                c->pt, c->h264_profile, c->h264_constraints, c->h264_level);
    if (c->rtx_pt)
        fprintf(f, "a=rtpmap:%u rtx/90000\r\na=fmtp:%u apt=%u\r\n", c->rtx_pt, c->rtx_pt, c->pt);
}

static void write_extensions(FILE *f, const struct rtp_ext_ids *ext)
{
    static const char *const URIS[RTP_EXT_COUNT] = {
        [RTP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
        [RTP_EXT_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        [RTP_EXT_ABS_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        [RTP_EXT_TWCC] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    };

    for (int i = 0; i < RTP_EXT_COUNT; i++)
        if (ext->id[i])
            fprintf(f, "a=extmap:%u %s\r\n", ext->id[i], URIS[i]);
}

static void write_sources(FILE *f, const struct sdp_answer *a, const struct sdp_answer_media *m,
                          enum sdp_kind kind)
{
    fprintf(f, "a=msid:%s %s-%s\r\n", m->stream, m->stream, kind == SDP_AUDIO ? "audio" : "video");
    if (m->rtx_ssrc)
        fprintf(f, "a=ssrc-group:FID %" PRIu32 " %" PRIu32 "\r\n", m->ssrc, m->rtx_ssrc);
    fprintf(f, "a=ssrc:%" PRIu32 " cname:%s\r\n", m->ssrc, a->cname);
    if (m->rtx_ssrc)
        fprintf(f, "a=ssrc:%" PRIu32 " cname:%s\r\n", m->rtx_ssrc, a->cname);
}

static void write_rejected(FILE *f, const struct sdp_media *o)
{
    fprintf(f, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\n", o->type, o->proto, o->first_fmt);
    if (o->mid[0])
        fprintf(f, "a=mid:%s\r\n", o->mid);
    fprintf(f, "a=inactive\r\n");
}

static void write_media(FILE *f, const struct sdp_media *o, const struct sdp_answer *a,
                        const struct sdp_answer_media *m)
{
    fprintf(f, "m=%s %u %s", o->type, a->port, o->proto);
    for (unsigned i = 0; i < m->codec_count; i++) {
        fprintf(f, " %u", m->codecs[i]->pt);
        if (m->codecs[i]->rtx_pt)
            fprintf(f, " %u", m->codecs[i]->rtx_pt);
    }
    fprintf(f, "\r\nc=IN %s %s\r\n", family(a->addresses[0]), a->addresses[0]);
    write_candidates(f, a);
    fprintf(f, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:passive\r\n", a->ufrag, a->pwd,
            a->fingerprint);
    if (o->mid[0])
        fprintf(f, "a=mid:%s\r\n", o->mid);
    write_extensions(f, &m->ext);
    fprintf(f, "a=%s\r\na=rtcp-mux\r\n", DIRS[m->dir]);
    if (o->rtcp_rsize)
        fprintf(f, "a=rtcp-rsize\r\n");
    for (unsigned i = 0; i < m->codec_count; i++)
        write_codec(f, m->codecs[i], m->fb);
    if (m->dir == SDP_SENDONLY)
        write_sources(f, a, m, o->kind);
}

static void write_session(FILE *f, const struct sdp_offer *offer, const struct sdp_answer *a)
{
    bool bundled = false;

    fprintf(f, "v=0\r\no=yunzhen %" PRIu64 " %" PRIu32 " IN %s %s\r\ns=-\r\nt=0 0\r\n", a->session_id,
            a->version, family(a->addresses[0]), a->addresses[0]);
    for (unsigned i = 0; i < offer->media_count; i++) {
        if (!a->media[i].accepted || !offer->media[i].mid[0])
            continue;
        fprintf(f, "%s %s", bundled ? "" : "a=group:BUNDLE", offer->media[i].mid);
        bundled = true;
    }
    fprintf(f, "%sa=ice-lite\r\n", bundled ? "\r\n" : "");
    if (offer->extmap_mixed)
        fprintf(f, "a=extmap-allow-mixed\r\n");
    fprintf(f, "a=msid-semantic: WMS *\r\n");
}

char *sdp_write_answer(const struct sdp_offer *offer, const struct sdp_answer *a, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);

    if (!f)
        return NULL;
    write_session(f, offer, a);
    for (unsigned i = 0; i < offer->media_count; i++) {
        if (a->media[i].accepted)
            write_media(f, &offer->media[i], a, &a->media[i]);
        else
            write_rejected(f, &offer->media[i]);
    }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *sdp_write_fragment(const struct sdp_answer *a, const char *mid, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);

    if (!f)
        return NULL;
    fprintf(f, "a=ice-lite\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", a->ufrag,
            a->pwd);
    if (mid[0])
        fprintf(f, "a=mid:%s\r\n", mid);
    write_candidates(f, a);
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
