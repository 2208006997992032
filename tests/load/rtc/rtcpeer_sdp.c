/* rtcpeer_sdp.c - the offers a test client makes, shaped like Chromium's, and what it reads of answers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/load/rtc/rtcpeer_internal.h"

static void write_codec(FILE *f, const struct rtcpeer *p, const struct rtc_line *l)
{
    if (l->kind == SDP_AUDIO) {
        fprintf(f,
                "a=rtpmap:%u opus/48000/2\r\na=rtcp-fb:%u transport-cc\r\na=fmtp:%u "
                "minptime=10;useinbandfec=1\r\n",
                l->pt, l->pt, l->pt);
        return;
    }
    fprintf(f, "a=rtpmap:%u %s/90000\r\n", l->pt, p->cfg.h264 ? "H264" : "VP8");
    fprintf(
        f,
        "a=rtcp-fb:%u goog-remb\r\na=rtcp-fb:%u transport-cc\r\na=rtcp-fb:%u ccm fir\r\na=rtcp-fb:%u nack\r\n"
        "a=rtcp-fb:%u nack pli\r\n",
        l->pt, l->pt, l->pt, l->pt, l->pt);
    if (p->cfg.h264)
        fprintf(f, "a=fmtp:%u level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n",
                l->pt);
    if (l->rtx_pt)
        fprintf(f, "a=rtpmap:%u rtx/90000\r\na=fmtp:%u apt=%u\r\n", l->rtx_pt, l->rtx_pt, l->pt);
}

static void write_line(FILE *f, const struct rtcpeer *p, const struct rtc_line *l)
{
    fprintf(f, "m=%s 9 UDP/TLS/RTP/SAVPF %u", l->kind == SDP_AUDIO ? "audio" : "video", l->pt);
    if (l->rtx_pt)
        fprintf(f, " %u", l->rtx_pt);
    fprintf(f, "\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", l->mid,
            l->sends ? "sendonly" : "recvonly");
    fprintf(f, "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n", RTC_EXT_MID);
    if (l->kind == SDP_AUDIO)
        fprintf(f, "a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n", RTC_EXT_LEVEL);
    fprintf(f, "a=extmap:%d http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
            RTC_EXT_TWCC);
    write_codec(f, p, l);
    if (!l->sends || p->cfg.no_ssrc_lines)
        return;
    if (l->rtx_pt)
        fprintf(f, "a=ssrc-group:FID %" PRIu32 " %" PRIu32 "\r\na=ssrc:%" PRIu32 " cname:%s\r\n", l->ssrc,
                l->rtx_ssrc, l->rtx_ssrc, p->cfg.name);
    fprintf(f, "a=ssrc:%" PRIu32 " cname:%s\r\n", l->ssrc, p->cfg.name);
}

char *rtcpeer_offer(struct rtcpeer *p)
{
    char print[128], *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    dtls_client_fingerprint_text(p->dtls, print);
    fprintf(f, "v=0\r\no=- %" PRIu64 " %u IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", p->session_id,
            ++p->version);
    for (unsigned i = 0; i < p->line_count; i++)
        fprintf(f, " %s", p->lines[i].mid);
    fprintf(f, "\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:actpass\r\n",
            p->ufrag, p->pwd, print);
    for (unsigned i = 0; i < p->line_count; i++)
        write_line(f, p, &p->lines[i]);
    fclose(f);
    return text;
}

/* ---- answers ---- */

struct answer {
    struct rtcpeer *p;
    int line; /* -1: session part */
    bool ssrc;
};

static void on_candidate(struct rtcpeer *p, const char *v)
{
    char ip[64], transport[8];
    unsigned port;

    /* The first one: foundation component transport priority address port … */
    if (!p->have_server && sscanf(v, "%*s %*u %7s %*u %63s %u", transport, ip, &port) == 3 &&
        strcasecmp(transport, "udp") == 0)
        p->have_server = addr_parse(ip, (uint16_t)port, &p->server);
}

static void on_line(struct answer *a, const char *line)
{
    struct rtcpeer *p = a->p;
    struct rtc_line *l = a->line >= 0 && (unsigned)a->line < p->line_count ? &p->lines[a->line] : NULL;
    unsigned one, two;

    if (strncmp(line, "m=", 2) == 0) {
        a->line++;
        a->ssrc = false;
        if ((unsigned)a->line < p->line_count)
            p->lines[a->line].taken = sscanf(line, "m=%*s %u", &one) == 1 && one != 0;
    } else if (sscanf(line, "a=ice-ufrag:%63s", p->their_ufrag) == 1 ||
               sscanf(line, "a=ice-pwd:%63s", p->their_pwd) == 1 ||
               sscanf(line, "a=fingerprint:sha-256 %127s", p->their_print) == 1) {
        return;
    } else if (strncmp(line, "a=candidate:", 12) == 0) {
        on_candidate(p, line + 12);
    } else if (l && strstr(line, "transport-wide-cc")) {
        p->twcc = p->twcc || l->sends;
    } else if (l && !l->sends && sscanf(line, "a=ssrc-group:FID %u %u", &one, &two) == 2) {
        l->ssrc = one;
        l->rtx_ssrc = two;
        a->ssrc = true;
    } else if (l && !l->sends && !a->ssrc && sscanf(line, "a=ssrc:%u", &one) == 1) {
        l->ssrc = one;
        a->ssrc = true;
    }
}

bool rtcpeer_answer(struct rtcpeer *p, const char *sdp, struct err *err)
{
    struct answer a = {p, -1, false};
    char *copy = strdup(sdp), *rest = copy, *line;

    while ((line = strsep(&rest, "\n")) != NULL)
        on_line(&a, line);
    free(copy);
    if (!p->have_server || !p->their_ufrag[0] || !p->their_pwd[0])
        return err_set(err, ERR_INVALID, "answer_invalid", "no candidate or no credentials");
    rtcpeer_begin(p);
    return true;
}
