/* counters.c - see counters.h. */
#include "media/counters.h"

#include "media/worker.h"

#define DROP(why, text)                                                                                      \
    {                                                                                                        \
        .name = "yz_media_drops_total", .help = text, .kind = METRIC_K_COUNTER, .label = "reason",           \
        .label_value = why                                                                                   \
    }
#define DROPS_HELP                                                                                           \
    "Packets dropped, by reason. unknown_address: not from an address ICE validated; auth: forged, corrupt " \
    "or of "                                                                                                 \
    "another key; replay: seen before; streams: too many SSRCs; not_ready: before the handshake; rights: "   \
    "the peer may "                                                                                          \
    "not publish; police: over its rate; unbound: no m-line claims the SSRC; payload_type: not negotiated; " \
    "malformed, "                                                                                            \
    "duplicate, late: as said; protect: could not be encrypted for a receiver."

struct metric COUNTER[COUNTERS] = {
    [C_RTP_IN] = METRIC_COUNTER("yz_media_rtp_in_total", "RTP packets that authenticated."),
    [C_RTCP_IN] = METRIC_COUNTER("yz_media_rtcp_in_total", "RTCP compounds that authenticated."),
    [C_DROP_UNKNOWN_KIND] = DROP("unknown_kind", DROPS_HELP),
    [C_DROP_UNKNOWN_ADDRESS] = DROP("unknown_address", DROPS_HELP),
    [C_DROP_NOT_READY] = DROP("not_ready", DROPS_HELP),
    [C_DROP_STREAMS] = DROP("streams", DROPS_HELP),
    [C_DROP_AUTH] = DROP("auth", DROPS_HELP),
    [C_DROP_REPLAY] = DROP("replay", DROPS_HELP),
    [C_DROP_MALFORMED] = DROP("malformed", DROPS_HELP),
    [C_DROP_UNBOUND] = DROP("unbound", DROPS_HELP),
    [C_DROP_PAYLOAD_TYPE] = DROP("payload_type", DROPS_HELP),
    [C_DROP_RIGHTS] = DROP("rights", DROPS_HELP),
    [C_DROP_POLICE] = DROP("police", DROPS_HELP),
    [C_DROP_DUPLICATE] = DROP("duplicate", DROPS_HELP),
    [C_DROP_LATE] = DROP("late", DROPS_HELP),
    [C_DROP_PROTECT] = DROP("protect", DROPS_HELP),
    [C_RTP_OUT] =
        METRIC_COUNTER("yz_media_rtp_out_total", "RTP packets sent to receivers, those sent again included."),
    [C_RTP_RESENT] =
        METRIC_COUNTER("yz_media_rtp_resent_total", "RTP packets sent again because a receiver asked."),
    [C_NACK_IN] =
        METRIC_COUNTER("yz_media_nacks_in_total", "NACK packets of receivers; many: their way down is bad."),
    [C_NACK_UNKNOWN] = METRIC_COUNTER(
        "yz_media_nack_not_found_total",
        "Packets asked for that the store no longer had; many: round trips are longer than the store."),
    [C_NACK_LIMIT] =
        METRIC_COUNTER("yz_media_nack_limited_total", "Requests for repair over a receiver's allowance."),
    [C_NACK_OUT] =
        METRIC_COUNTER("yz_media_nacks_out_total", "NACK packets to publishers; many: their way up is bad."),
    [C_PLI_IN] =
        METRIC_COUNTER("yz_media_keyframe_wishes_total", "Key frames receivers asked for (PLI and FIR)."),
    [C_PLI_OUT] = METRIC_COUNTER("yz_media_keyframe_requests_total",
                                 "Key frames publishers were asked for, at most one a second and track."),
    [C_RTX_IN] = METRIC_COUNTER("yz_media_rtx_in_total", "Retransmission packets of publishers."),
    [C_PROBES_IN] = METRIC_COUNTER("yz_media_probes_in_total", "Of those, bandwidth probes without content."),
    [C_NO_COMMON_CODEC] =
        METRIC_COUNTER("yz_media_no_common_codec_total",
                       "Seats refused because the receiver cannot decode what the publisher sends."),
    [C_OFFERS_REFUSED] =
        METRIC_COUNTER("yz_media_offers_refused_total", "Offers refused; the log says why each."),
    [C_RECORD_LOST] = METRIC_COUNTER(
        "yz_media_record_lost_total",
        "Packets of recorded rooms that found the ring to the recorder full; the manifest shows the gap."),
};

enum gathered {
    G_ROOMS,
    G_PEERS,
    G_PACKETS_IN,
    G_BYTES_IN,
    G_PACKETS_OUT,
    G_BYTES_OUT,
    G_OVERSIZE,
    G_SEND_FULL,
    G_SEND_ERROR,
    G_STUN_OK,
    G_STUN_MALFORMED,
    G_STUN_UFRAG,
    G_STUN_INTEGRITY,
    G_STUN_LIMIT,
    G_STUN_REPLAY,
    G_SELECTED,
    G_DTLS_OK,
    G_DTLS_FAILED,
    G_DTLS_REFUSED,
    G_DTLS_MISMATCH,
    GATHERED
};

#define STUN_DROP(why)                                                                                       \
    {                                                                                                        \
        .name = "yz_media_stun_drops_total",                                                                 \
        .help = "STUN packets that got no answer, by reason; a flood is an attack, a few are late clients.", \
        .kind = METRIC_K_COUNTER, .label = "reason", .label_value = why                                      \
    }

static struct metric GATHER[GATHERED] = {
    [G_ROOMS] = METRIC_GAUGE("yz_media_rooms", "Rooms open on this worker."),
    [G_PEERS] = METRIC_GAUGE("yz_media_peers", "Peers in them."),
    [G_PACKETS_IN] = METRIC_COUNTER("yz_media_udp_in_total", "Datagrams received."),
    [G_BYTES_IN] = METRIC_COUNTER("yz_media_udp_in_bytes_total", "Bytes of them."),
    [G_PACKETS_OUT] = METRIC_COUNTER("yz_media_udp_out_total", "Datagrams sent."),
    [G_BYTES_OUT] = METRIC_COUNTER("yz_media_udp_out_bytes_total", "Bytes of them."),
    [G_OVERSIZE] =
        METRIC_COUNTER("yz_media_udp_oversize_total", "Datagrams longer than 1500 bytes, dropped unread."),
    [G_SEND_FULL] =
        METRIC_COUNTER("yz_media_udp_send_full_total",
                       "Datagrams the kernel's send buffer had no room for; raise net.core.wmem_max."),
    [G_SEND_ERROR] = METRIC_COUNTER("yz_media_udp_send_error_total", "Datagrams to unreachable addresses."),
    [G_STUN_OK] = METRIC_COUNTER("yz_media_stun_answered_total", "Connectivity checks answered."),
    [G_STUN_MALFORMED] = STUN_DROP("malformed"),
    [G_STUN_UFRAG] = STUN_DROP("unknown_ufrag"),
    [G_STUN_INTEGRITY] = STUN_DROP("bad_integrity"),
    [G_STUN_LIMIT] = STUN_DROP("rate_limited"),
    [G_STUN_REPLAY] = STUN_DROP("replayed"),
    [G_SELECTED] =
        METRIC_COUNTER("yz_media_ice_selected_total", "Times a peer chose or changed its address."),
    [G_DTLS_OK] = METRIC_COUNTER("yz_media_dtls_handshakes_total", "Handshakes completed."),
    [G_DTLS_FAILED] =
        METRIC_COUNTER("yz_media_dtls_failed_total", "Handshakes that failed and were begun again."),
    [G_DTLS_REFUSED] =
        METRIC_COUNTER("yz_media_dtls_refused_total",
                       "DTLS packets nobody should have sent: plain alerts, useless or late hellos."),
    [G_DTLS_MISMATCH] = METRIC_COUNTER(
        "yz_media_dtls_fingerprint_mismatch_total",
        "Certificates that were not the one of the offer: somebody in the middle, or a broken client."),
};

void counters_init(void)
{
    for (int i = 0; i < COUNTERS; i++)
        metrics_add(&COUNTER[i]);
    for (int i = 0; i < GATHERED; i++)
        metrics_add(&GATHER[i]);
}

void counters_gather(const struct worker *w)
{
    const struct net_counts *n = net_counts(w->net);
    const int64_t now[GATHERED] = {
        [G_ROOMS] = w->room_count,
        [G_PEERS] = w->peer_count,
        [G_PACKETS_IN] = n->packets_in,
        [G_BYTES_IN] = n->bytes_in,
        [G_PACKETS_OUT] = n->packets_out,
        [G_BYTES_OUT] = n->bytes_out,
        [G_OVERSIZE] = n->oversize,
        [G_SEND_FULL] = n->dropped_full,
        [G_SEND_ERROR] = n->dropped_error,
        [G_STUN_OK] = ice_counts.answered,
        [G_STUN_MALFORMED] = ice_counts.malformed,
        [G_STUN_UFRAG] = ice_counts.unknown_ufrag,
        [G_STUN_INTEGRITY] = ice_counts.bad_integrity,
        [G_STUN_LIMIT] = ice_counts.rate_limited,
        [G_STUN_REPLAY] = ice_counts.replayed,
        [G_SELECTED] = ice_counts.selected,
        [G_DTLS_OK] = dtls_counts.handshakes,
        [G_DTLS_FAILED] = dtls_counts.failed,
        [G_DTLS_REFUSED] = dtls_counts.hellos_refused,
        [G_DTLS_MISMATCH] = dtls_counts.mismatches,
    };

    for (int i = 0; i < GATHERED; i++)
        GATHER[i].value = now[i];
}
