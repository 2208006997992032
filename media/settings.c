/* settings.c - see settings.h. Limits are those of media.md 4.5 where it names one. */
#include "media/settings.h"

const struct config_setting MEDIA_SETTINGS[] = {
    CONFIG_COMMON,
    {"worker", CONFIG_INT, "0", 0, 255, "", false, false,
     "Which worker this process is; it listens on media.port + worker and on run/mediad-<worker>.sock."},
    {"media.address", CONFIG_STR, "local", 0, 0, "local | IP addresses", false, false,
     "Addresses told to clients, comma separated, IPv4 and IPv6; a browser on another machine needs one it "
     "can reach. "
     "local: every IPv4 address of this machine, reachable from this machine only."},
    {"media.bind", CONFIG_STR, "", 0, 0, "IP addresses", false, false,
     "Where the port listens when that is not media.address, as behind a one-to-one NAT; comma separated."},
    {"media.port", CONFIG_INT, "20000", 0, 65279, "port", false, false,
     "UDP port of worker 0; worker n listens on port + n. 0 takes any free port."},
    {"media.socket_bytes", CONFIG_INT, "8388608", 65536, 268435456, "bytes", false, false,
     "Socket buffers asked for; the system's net.core.rmem_max may allow less."},
    {"media.silent_ms", CONFIG_INT, "5000", 500, 60000, "ms", true, false,
     "A peer that sent nothing for so long is reported silent; it keeps its place."},
    {"media.grace_ms", CONFIG_INT, "30000", 1000, 600000, "ms", true, false,
     "A peer that sent nothing for so long is gone (RFC 7675 says 30 s)."},
    {"media.rooms", CONFIG_INT, "2000", 1, 100000, "rooms", true, false, "Rooms one worker opens."},
    {"media.peers", CONFIG_INT, "4000", 1, 100000, "peers", true, false, "Peers one worker takes."},
    {"media.room_peers", CONFIG_INT, "600", 1, 10000, "peers", true, false, "Peers one room takes."},
    {"media.streams", CONFIG_INT, "64", 4, 256, "SSRCs", true, false,
     "Different SSRCs one peer may send in its life; more are dropped before they cost memory."},
    {"media.streams_per_s", CONFIG_INT, "32", 1, 256, "SSRCs/s", true, false,
     "New SSRCs one peer may begin in a second."},
    {"media.peer_pps", CONFIG_INT, "5000", 50, 100000, "packets/s", true, false,
     "RTP packets taken from one peer."},
    {"media.peer_kbps", CONFIG_INT, "30000", 64, 1000000, "kbit/s", true, false, "RTP taken from one peer."},
    {"media.audio_pps", CONFIG_INT, "500", 10, 10000, "packets/s", true, false,
     "Packets taken of one audio track."},
    {"media.audio_kbps", CONFIG_INT, "768", 16, 100000, "kbit/s", true, false,
     "Rate taken of one audio track."},
    {"media.video_pps", CONFIG_INT, "2500", 10, 100000, "packets/s", true, false,
     "Packets taken of one video track."},
    {"media.video_kbps", CONFIG_INT, "12000", 64, 1000000, "kbit/s", true, false,
     "Rate taken of one video track."},
    {"media.remb_kbps", CONFIG_INT, "2500", 100, 100000, "kbit/s", true, false,
     "Rate allowed to publishers that know only REMB; halved step by step while their packets get lost."},
    {"record.ring_bytes", CONFIG_INT, "33554432", 65536, 1073741824, "bytes, a power of two", false, false,
     "Memory between this worker and the recorder; at 2 Mbit/s per visit 32 MiB hold over two minutes of one "
     "visit."},
    {0},
};

void limits_read(struct limits *l, const struct config *c)
{
    l->silent_us = config_int(c, "media.silent_ms") * 1000;
    l->grace_us = config_int(c, "media.grace_ms") * 1000;
    l->streams = (int32_t)config_int(c, "media.streams");
    l->streams_per_s = (int32_t)config_int(c, "media.streams_per_s");
    l->peer_pps = (int32_t)config_int(c, "media.peer_pps");
    l->audio_pps = (int32_t)config_int(c, "media.audio_pps");
    l->video_pps = (int32_t)config_int(c, "media.video_pps");
    l->peer_bps = config_int(c, "media.peer_kbps") * 1000;
    l->audio_bps = config_int(c, "media.audio_kbps") * 1000;
    l->video_bps = config_int(c, "media.video_kbps") * 1000;
    l->remb_bps = config_int(c, "media.remb_kbps") * 1000;
    l->rooms = (int32_t)config_int(c, "media.rooms");
    l->peers = (int32_t)config_int(c, "media.peers");
    l->room_peers = (int32_t)config_int(c, "media.room_peers");
    l->ring_bytes = (uint32_t)config_int(c, "record.ring_bytes");
}
