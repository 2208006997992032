/* rtcpeer.c - the transport of a test client; see rtcpeer.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "media/demux.h"
#include "media/srtp_evp.h"
#include "media/store.h"
#include "media/stun.h"
#include "tests/load/rtc/rtcpeer_internal.h"

#define TICK_US      50000
#define KEEPALIVE_US 1000000

static void random_word(char *out, size_t len)
{
    static const char ALPHABET[] = "abcdefghijklmnopqrstuvwxyz012345";
    uint8_t r[64];

    assert(len < sizeof(r));
    crypto_random(r, len);
    for (size_t i = 0; i < len; i++)
        out[i] = ALPHABET[r[i] & 31];
    out[len] = '\0';
}

void rtcpeer_raw(struct rtcpeer *p, const void *data, size_t len)
{
    if (p->have_server && !p->tunnel)
        (void)!sendto(p->fd, data, len, MSG_DONTWAIT, &p->server.sa, addr_len(&p->server));
}

/* ---- ICE ---- */

static void send_check(struct rtcpeer *p)
{
    uint8_t buf[STUN_MAX], txid[STUN_TXID_LEN];
    char username[128];
    size_t n;

    crypto_random(txid, sizeof(txid));
    snprintf(username, sizeof(username), "%s:%s", p->their_ufrag, p->ufrag);
    n = stun_write_request(buf, &(struct stun_request){.txid = txid,
                                                       .username = username,
                                                       .password = p->their_pwd,
                                                       .priority = 0x6e0001ff,
                                                       .tie_breaker = p->tie_breaker,
                                                       .use_candidate = true});
    rtcpeer_raw(p, buf, n);
    p->check_at_us = clock_mono_us() + (p->checked ? KEEPALIVE_US : TICK_US);
}

static void on_stun(struct rtcpeer *p, const uint8_t *data, size_t len, const struct addr *from)
{
    struct stun_msg m;
    uint8_t reply[128];

    if (!stun_parse(data, len, &m))
        return;
    if (m.type == STUN_BINDING_REQUEST && stun_check_integrity(&m, p->pwd)) {
        rtcpeer_raw(p, reply,
                    stun_write_response(reply, m.txid, from, p->pwd)); /* a full agent checks us too */
        return;
    }
    if (m.type != STUN_BINDING_RESPONSE || !stun_check_integrity(&m, p->their_pwd))
        return;
    p->checked = true;
    p->check_at_us = clock_mono_us() + KEEPALIVE_US;
    if (!p->dtls_started) {
        p->dtls_started = true;
        dtls_client_start(p->dtls);
    }
}

/* ---- DTLS ---- */

static void on_dtls_send(void *arg, const uint8_t *data, size_t len)
{
    rtcpeer_raw(arg, data, len);
}

static void on_dtls(struct rtcpeer *p, const uint8_t *data, size_t len)
{
    char print[128];

    dtls_client_receive(p->dtls, data, len);
    if (p->connected || !dtls_client_connected(p->dtls))
        return;
    dtls_client_server_fingerprint(p->dtls, print);
    if (strcmp(print, p->their_print) != 0 || !dtls_client_export(p->dtls, &p->suite, &p->in, &p->out))
        return;
    p->connected = true;
    p->connected_us = clock_mono_us();
    if (p->cfg.ev.on_connected)
        p->cfg.ev.on_connected(p->cfg.ev.arg, p);
}

/* ---- socket and time ---- */

static void take(struct rtcpeer *p, uint8_t *data, size_t len, const struct addr *from)
{
    enum demux_kind kind = demux(data, len);

    if (p->tunnel || (p->cfg.ev.lose && p->cfg.ev.lose(p->cfg.ev.arg, p, data, len)))
        return;
    if (kind == DEMUX_STUN)
        on_stun(p, data, len, from);
    else if (kind == DEMUX_DTLS)
        on_dtls(p, data, len);
    else if (kind != DEMUX_NONE && p->in)
        rtcpeer_on_media(p, data, len, kind == DEMUX_RTCP);
}

static void on_readable(void *arg, uint32_t events)
{
    struct rtcpeer *p = arg;
    static _Alignas(16) uint8_t data[32][2048];
    struct mmsghdr msgs[32];
    struct iovec iov[32];
    struct addr from[32];
    int n;

    (void)events;
    do {
        for (int i = 0; i < 32; i++) {
            iov[i] = (struct iovec){data[i], sizeof(data[i])};
            msgs[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i],
                                                   .msg_iovlen = 1,
                                                   .msg_name = &from[i].sa,
                                                   .msg_namelen = sizeof(struct sockaddr_in6)}};
        }
        n = recvmmsg(p->fd, msgs, 32, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++)
            take(p, data[i], msgs[i].msg_len, &from[i]);
    } while (n == 32);
}

static void on_tick(void *arg)
{
    struct rtcpeer *p = arg;

    if (p->have_server && clock_mono_us() >= p->check_at_us)
        send_check(p);
    if (p->dtls_started)
        dtls_client_tick(p->dtls);
}

static void open_socket(struct rtcpeer *p)
{
    int bytes = 1 << 20;

    if (p->fd >= 0) {
        loop_unwatch(p->watch);
        close(p->fd);
    }
    p->fd = socket(p->have_server ? p->server.sa.sa_family : AF_INET,
                   SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert(p->fd >= 0);
    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    p->watch = loop_watch(p->loop, p->fd, EPOLLIN, on_readable, p);
}

void rtcpeer_rebind(struct rtcpeer *p)
{
    open_socket(p);
    p->checked = false;
    send_check(p);
}

void rtcpeer_tunnel(struct rtcpeer *p, bool inside)
{
    p->tunnel = inside;
}

/* ---- life ---- */

static void add_line(struct rtcpeer *p, enum sdp_kind kind, bool sends)
{
    struct rtc_line *l = &p->lines[p->line_count];

    assert(p->line_count < RTC_LINES_MAX);
    l->kind = kind;
    l->sends = sends;
    snprintf(l->mid, sizeof(l->mid), "%u", p->line_count++);
    l->pt = kind == SDP_AUDIO ? RTC_PT_OPUS : p->cfg.h264 ? RTC_PT_H264 : RTC_PT_VP8;
    l->rtx_pt = kind == SDP_AUDIO || p->cfg.no_rtx ? 0 : (uint8_t)(l->pt + 1);
    if (!sends)
        return;
    crypto_random(&l->ssrc, sizeof(l->ssrc));
    crypto_random(&l->rtx_ssrc, sizeof(l->rtx_ssrc));
    crypto_random(&l->seq, sizeof(l->seq));
    l->seq &= 0x7fff;
    l->sent = store_new(512, kind == SDP_AUDIO ? 65536 : 640 * 1024);
}

void rtcpeer_add_chairs(struct rtcpeer *p, unsigned audio, unsigned video)
{
    for (unsigned i = 0; i < audio || i < video; i++) {
        if (i < audio)
            add_line(p, SDP_AUDIO, false);
        if (i < video)
            add_line(p, SDP_VIDEO, false);
    }
}

struct rtcpeer *rtcpeer_new(struct loop *l, const struct rtcpeer_config *cfg)
{
    struct rtcpeer *p = mem_new(sizeof(*p));
    struct err err = ERR_INIT;

    if (!srtp_evp_init(&err))
        abort();
    p->loop = l;
    p->cfg = *cfg;
    p->fd = -1;
    for (unsigned i = 0; i < cfg->send_audio; i++)
        add_line(p, SDP_AUDIO, true);
    for (unsigned i = 0; i < cfg->send_video; i++)
        add_line(p, SDP_VIDEO, true);
    rtcpeer_add_chairs(p, cfg->recv_audio, cfg->recv_video);
    crypto_random(&p->tie_breaker, sizeof(p->tie_breaker));
    crypto_random(&p->session_id, sizeof(p->session_id));
    p->session_id >>= 2;
    crypto_random(&p->rtcp_ssrc, sizeof(p->rtcp_ssrc));
    p->dtls = dtls_client_new(
        cfg->profiles ? cfg->profiles : "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM",
        on_dtls_send, p);
    rtcpeer_restart(p);
    open_socket(p);
    p->timer = loop_timer(l, TICK_US, TICK_US, on_tick, p);
    return p;
}

void rtcpeer_free(struct rtcpeer *p)
{
    if (!p)
        return;
    loop_untimer(p->timer);
    loop_unwatch(p->watch);
    close(p->fd);
    dtls_client_free(p->dtls);
    srtp_ctx_free(p->in);
    srtp_ctx_free(p->out);
    for (unsigned i = 0; i < p->line_count; i++)
        store_free(p->lines[i].sent);
    free(p);
}

void rtcpeer_close(struct rtcpeer *p)
{
    dtls_client_close(p->dtls);
}

void rtcpeer_restart(struct rtcpeer *p)
{
    random_word(p->ufrag, 8);
    random_word(p->pwd, 24);
}

void rtcpeer_begin(struct rtcpeer *p)
{
    if (!p->started_us) {
        p->started_us = clock_mono_us();
        open_socket(p); /* of the server's family */
    }
    p->checked = false;
    send_check(p);
}

bool rtcpeer_connected(const struct rtcpeer *p)
{
    return p->connected;
}

bool rtcpeer_closed(const struct rtcpeer *p)
{
    return dtls_client_closed(p->dtls);
}

const char *rtcpeer_name(const struct rtcpeer *p)
{
    return p->cfg.name;
}

enum srtp_suite rtcpeer_suite(const struct rtcpeer *p)
{
    return p->suite;
}

int64_t rtcpeer_started_us(const struct rtcpeer *p)
{
    return p->started_us;
}

int64_t rtcpeer_connected_us(const struct rtcpeer *p)
{
    return p->connected_us;
}

unsigned rtcpeer_line_count(const struct rtcpeer *p)
{
    return p->line_count;
}

struct rtc_line *rtcpeer_line(struct rtcpeer *p, unsigned i)
{
    return &p->lines[i];
}

static struct rtc_line *nth(struct rtcpeer *p, enum sdp_kind kind, bool sends, unsigned i)
{
    for (unsigned k = 0; k < p->line_count; k++)
        if (p->lines[k].kind == kind && p->lines[k].sends == sends && i-- == 0)
            return &p->lines[k];
    return NULL;
}

struct rtc_line *rtcpeer_sender(struct rtcpeer *p, enum sdp_kind kind, unsigned i)
{
    return nth(p, kind, true, i);
}

struct rtc_line *rtcpeer_receiver(struct rtcpeer *p, enum sdp_kind kind, unsigned i)
{
    return nth(p, kind, false, i);
}

const struct addr *rtcpeer_server(const struct rtcpeer *p)
{
    return &p->server;
}
