/* rtcpeer_internal.h - the fields of a peer, shared by rtcpeer.c, rtcpeer_sdp.c and rtcpeer_media.c only. */
#pragma once
#include "tests/load/rtc/dtls_client.h"
#include "tests/load/rtc/rtcpeer.h"

struct rtcpeer {
    struct loop *loop;
    struct rtcpeer_config cfg;
    struct loop_watch *watch;
    struct loop_timer *timer;
    int fd;
    struct addr server;
    bool have_server, checked, tunnel, connected;
    int64_t check_at_us, started_us, connected_us;
    char ufrag[16], pwd[40], their_ufrag[64], their_pwd[64], their_print[128];
    uint64_t tie_breaker, session_id;
    unsigned version;
    struct dtls_client *dtls;
    bool dtls_started;
    struct srtp_ctx *in, *out;
    enum srtp_suite suite;
    struct rtc_line lines[RTC_LINES_MAX];
    unsigned line_count;
    uint32_t rtcp_ssrc;
    uint16_t twcc_seq;
    bool twcc;
};

void rtcpeer_on_media(struct rtcpeer *p, uint8_t *data, size_t len, bool rtcp);
/** The answer has been read: begin, or go on with its credentials. */
void rtcpeer_begin(struct rtcpeer *p);
