/* rtcpeer.h - one WebRTC peer connection without a browser: for tests that count bytes and for load.
 *
 * It is the controlling side of ICE towards one host candidate (and answers checks, so a full agent is content too), the
 * client of DTLS, and speaks SRTP through the same files as the worker. How offer and answer travel is the caller's:
 * rtcpeer_offer() gives the text, rtcpeer_answer() takes the other, so one client serves our socket, WHIP, or Janus.
 *
 * Owns    its socket, keys and lines. Runs on the loop it was made with. Time is monotonic.
 */
#pragma once
#include <stdint.h>
#include "core/loop.h"
#include "media/addr.h"
#include "media/rtcp.h"
#include "media/rtp.h"
#include "media/sdp.h"
#include "media/srtp.h"

#define RTC_LINES_MAX 64

enum { RTC_PT_OPUS = 111, RTC_PT_VP8 = 96, RTC_PT_VP8_RTX = 97, RTC_PT_H264 = 102, RTC_PT_H264_RTX = 103 };
enum { RTC_EXT_MID = 4, RTC_EXT_LEVEL = 1, RTC_EXT_TWCC = 3 };

struct rtc_line {
    enum sdp_kind kind;
    bool sends; /* we publish on it; else it is a chair */
    char mid[8];
    bool taken; /* the answer accepted it */
    uint8_t pt, rtx_pt;
    uint32_t ssrc, rtx_ssrc; /* ours when it sends; the answer's when it receives */
    uint16_t seq, rtx_seq;   /* of the next packet we send */
    struct store *sent;      /* for NACKs */
    int64_t packets, bytes, repaired;
};

struct rtcpeer;
struct rtcpeer_events {
    void (*on_connected)(void *arg, struct rtcpeer *p);
    /** One packet of media, RTX already unwrapped. line is NULL for an SSRC the answer did not name. */
    void (*on_rtp)(void *arg, struct rtcpeer *p, struct rtc_line *line, const struct rtp *r, bool repaired);
    void (*on_rtcp)(void *arg, struct rtcpeer *p, const struct rtcp *r);
    /** true: pretend this encrypted packet was lost on its way to us. */
    bool (*lose)(void *arg, struct rtcpeer *p, const uint8_t *data, size_t len);
    void *arg;
};

struct rtcpeer_config {
    const char *name;
    unsigned send_audio, send_video, recv_audio, recv_video;
    bool h264; /* offer H.264 instead of VP8 */
    bool no_rtx;
    bool no_ssrc_lines;   /* the other side must bind by mid */
    const char *profiles; /* NULL: as Chromium orders them */
    struct rtcpeer_events ev;
};

struct rtcpeer *rtcpeer_new(struct loop *l, const struct rtcpeer_config *cfg);
void rtcpeer_free(struct rtcpeer *p); /* NULL is fine; says nothing to the other side */
/** close_notify. */
void rtcpeer_close(struct rtcpeer *p);

/** Freed by the caller. Later calls offer the same lines again. */
char *rtcpeer_offer(struct rtcpeer *p);
/** Begin connecting, or take a restart's new credentials. */
bool rtcpeer_answer(struct rtcpeer *p, const char *sdp, struct err *err);
/** More chairs in the next offer. */
void rtcpeer_add_chairs(struct rtcpeer *p, unsigned audio, unsigned video);
/** New credentials of ours for the next offer. */
void rtcpeer_restart(struct rtcpeer *p);
/** Go on from another local port, as after a change of network; the next check nominates it. */
void rtcpeer_rebind(struct rtcpeer *p);
/** Neither send nor hear anything until told otherwise: a tunnel. */
void rtcpeer_tunnel(struct rtcpeer *p, bool inside);

bool rtcpeer_connected(const struct rtcpeer *p);
bool rtcpeer_closed(const struct rtcpeer *p);
const char *rtcpeer_name(const struct rtcpeer *p);
enum srtp_suite rtcpeer_suite(const struct rtcpeer *p);
/** Monotonic times, 0: not yet. */
int64_t rtcpeer_started_us(const struct rtcpeer *p);
int64_t rtcpeer_connected_us(const struct rtcpeer *p);
unsigned rtcpeer_line_count(const struct rtcpeer *p);
struct rtc_line *rtcpeer_line(struct rtcpeer *p, unsigned i);
/** The i-th line of a kind that sends, or that receives. */
struct rtc_line *rtcpeer_sender(struct rtcpeer *p, enum sdp_kind kind, unsigned i);
struct rtc_line *rtcpeer_receiver(struct rtcpeer *p, enum sdp_kind kind, unsigned i);

struct rtc_packet {
    uint32_t ts;
    bool marker;
    uint8_t level; /* RFC 6464, audio */
    bool hold;     /* number and remember it, but do not send it: lost on the way */
    uint8_t pt;    /* 0: the line's */
};
/** @return the sequence number it got. */
uint16_t rtcpeer_send(struct rtcpeer *p, struct rtc_line *line, const struct rtc_packet *pkt,
                      const void *payload, size_t len);
/** Answer a NACK for one packet (as RTX when negotiated). Done by itself for NACKs that come in. */
void rtcpeer_resend(struct rtcpeer *p, struct rtc_line *line, uint16_t seq);
void rtcpeer_nack(struct rtcpeer *p, const struct rtc_line *line, const uint16_t *seqs, unsigned n);
void rtcpeer_pli(struct rtcpeer *p, const struct rtc_line *line);
void rtcpeer_sr(struct rtcpeer *p, const struct rtc_line *line, uint64_t ntp, uint32_t rtp);
/** Clear RTCP, encrypted and sent as it is. */
void rtcpeer_rtcp(struct rtcpeer *p, const uint8_t *data, size_t len);
/** Bytes as they are, from our socket. */
void rtcpeer_raw(struct rtcpeer *p, const void *data, size_t len);
/** Where we send to. */
const struct addr *rtcpeer_server(const struct rtcpeer *p);
