#include "media/record/mux.h"
#include <errno.h>
#include <fcntl.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/log.h"
#include "core/mem.h"
#include "core/sandbox.h"
#include "media/record/timeline.h"

#define PACKET_MAX   2048
#define QUEUED_BYTES (4u << 20) /* packets waiting inside the pipeline */

/* The only plugins that are loaded: an application source, three depayloaders, a parser, two muxers and a sink. */
static const char *const PLUGINS[] = {"app", "coreelements", "rtp", "matroska", "videoparsersbad"};

static const struct codec {
    const char *name, *caps, *pipeline;
    bool keyframes; /* begins with a picture that needs no other */
    int64_t last_frame_us;
} CODECS[] = {
    {"VP8", "application/x-rtp,media=video,encoding-name=VP8,clock-rate=%u,payload=%u",
     "appsrc name=in ! rtpvp8depay ! webmmux name=mux writing-app=yunzhen ! fdsink name=out", true, 33333},
    {"H264", "application/x-rtp,media=video,encoding-name=H264,clock-rate=%u,payload=%u",
     "appsrc name=in ! rtph264depay ! h264parse config-interval=-1 ! "
     "video/x-h264,stream-format=avc3,alignment=au ! matroskamux name=mux writing-app=yunzhen ! fdsink "
     "name=out",
     true, 33333},
    {"opus",
     "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=%u,payload=%u,sprop-stereo=(string)1,"
     "sprop-maxcapturerate=(string)48000",
     "appsrc name=in ! rtpopusdepay ! webmmux name=mux "
     "writing-app=yunzhen ! "
     "fdsink name=out",
     false, 20000},
};

struct mux {
    const struct codec *codec;
    struct timeline *tl;
    GstElement *pipeline, *in;
    int out_fd;
    /* Written by the streaming thread, read after the end of the stream. */
    GstClockTime first, last;
    uint64_t frames;
    bool have_caps;
};

/* --- input ------------------------------------------------------------------------------------------------ */

static bool map(struct timeline_bytes *out, const char *name, struct err *err)
{
    struct stat st;
    int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, name);
    void *p = st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (p == MAP_FAILED)
        return err_errno(err, name);
    *out = (struct timeline_bytes){p, (size_t)st.st_size};
    return true;
}

static bool read_timeline(struct mux *m, char **names, int n, struct err *err)
{
    struct timeline_bytes *segments = mem_new((size_t)n * sizeof *segments);
    bool ok = true;

    for (int i = 0; ok && i < n; i++)
        ok = map(&segments[i], names[i], err);
    ok = ok && timeline_build(&m->tl, segments, (size_t)n, err);
    free(segments); /* the mappings stay: packets are lent from them */
    return ok;
}

static bool pick_codec(struct mux *m, struct err *err)
{
    for (size_t i = 0; i < sizeof CODECS / sizeof CODECS[0]; i++)
        if (strcmp(CODECS[i].name, m->tl->header.codec) == 0) {
            m->codec = &CODECS[i];
            return true;
        }
    return err_set(err, ERR_UNSUPPORTED, "codec_unknown", "no file can be made of %s", m->tl->header.codec);
}

/* --- pipeline --------------------------------------------------------------------------------------------- */

static bool load_plugins(struct err *err)
{
    for (size_t i = 0; i < sizeof PLUGINS / sizeof PLUGINS[0]; i++) {
        char *path = mem_format("%s/libgst%s.so", GST_PLUGINS_DIR, PLUGINS[i]);
        GError *why = NULL;
        GstPlugin *plugin = gst_plugin_load_file(path, &why);
        free(path);
        if (!plugin) {
            err_set(err, ERR_IO, "gstreamer_missing", "plugin %s: %s", PLUGINS[i], why ? why->message : "?");
            g_clear_error(&why);
            return false;
        }
        gst_object_unref(plugin);
    }
    return true;
}

/* Runs on: the streaming thread, in front of the muxer. Drops what comes before the first picture that stands alone, lets
 * the file begin at 0 and keeps later changes of size from the muxer (the stream itself tells the decoder). */
static GstPadProbeReturn on_frame(GstPad *pad, GstPadProbeInfo *info, gpointer arg)
{
    struct mux *m = arg;

    (void)pad;
    if (info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
        if (GST_EVENT_TYPE(gst_pad_probe_info_get_event(info)) != GST_EVENT_CAPS)
            return GST_PAD_PROBE_OK;
        bool again = m->have_caps;
        m->have_caps = true;
        return again ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
    }
    GstBuffer *b = gst_buffer_make_writable(gst_pad_probe_info_get_buffer(info));
    info->data = b;
    if (!GST_BUFFER_PTS_IS_VALID(b) ||
        (m->frames == 0 && m->codec->keyframes && GST_BUFFER_FLAG_IS_SET(b, GST_BUFFER_FLAG_DELTA_UNIT)))
        return GST_PAD_PROBE_DROP;
    if (m->frames++ == 0)
        m->first = GST_BUFFER_PTS(b);
    GST_BUFFER_PTS(b) = GST_BUFFER_PTS(b) > m->first ? GST_BUFFER_PTS(b) - m->first : 0;
    GST_BUFFER_DTS(b) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(b) = GST_CLOCK_TIME_NONE;
    if (GST_BUFFER_PTS(b) > m->last)
        m->last = GST_BUFFER_PTS(b);
    return GST_PAD_PROBE_OK;
}

static void watch_muxer(struct mux *m)
{
    GstElement *muxer = gst_bin_get_by_name(GST_BIN(m->pipeline), "mux");
    GstIterator *pads = gst_element_iterate_sink_pads(muxer);
    GValue value = G_VALUE_INIT;

    if (gst_iterator_next(pads, &value) == GST_ITERATOR_OK) {
        gst_pad_add_probe(g_value_get_object(&value),
                          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_frame, m, NULL);
        g_value_unset(&value);
    }
    gst_iterator_free(pads);
    gst_object_unref(muxer);
}

static bool build(struct mux *m, struct err *err)
{
    GError *why = NULL;

    m->pipeline = gst_parse_launch(m->codec->pipeline, &why);
    if (!m->pipeline || why) {
        err_set(err, ERR_IO, "gstreamer_missing", "pipeline: %s", why ? why->message : "?");
        g_clear_error(&why);
        return false;
    }
    m->in = gst_bin_get_by_name(GST_BIN(m->pipeline), "in");
    char *text = mem_format(m->codec->caps, m->tl->header.clock_hz, m->tl->header.pt);
    GstCaps *caps = gst_caps_from_string(text);
    g_object_set(m->in, "caps", caps, "format", GST_FORMAT_TIME, "block", TRUE, "max-bytes",
                 (guint64)QUEUED_BYTES, NULL);
    gst_caps_unref(caps);
    free(text);
    GstElement *out = gst_bin_get_by_name(GST_BIN(m->pipeline), "out");
    g_object_set(out, "fd", m->out_fd, NULL);
    gst_object_unref(out);
    watch_muxer(m);
    return gst_element_set_state(m->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE ||
           err_set(err, ERR_INTERNAL, "mux_failed", "the pipeline does not start");
}

/* --- run -------------------------------------------------------------------------------------------------- */

static bool feed(struct mux *m)
{
    const struct timeline *tl = m->tl;
    int64_t zero = tl->packets[0].pts_us;
    uint8_t packet[PACKET_MAX];

    for (size_t i = 0; i < tl->len; i++)
        zero = tl->packets[i].pts_us < zero ? tl->packets[i].pts_us : zero;
    for (size_t i = 0; i < tl->len; i++) {
        size_t len = timeline_rtp(tl, i, packet, sizeof packet);
        if (len == 0)
            continue;
        GstBuffer *b = gst_buffer_new_memdup(packet, len);
        GST_BUFFER_PTS(b) = (GstClockTime)(tl->packets[i].pts_us - zero) * 1000;
        if (gst_app_src_push_buffer(GST_APP_SRC(m->in), b) != GST_FLOW_OK)
            return false; /* the bus says why */
    }
    return gst_app_src_end_of_stream(GST_APP_SRC(m->in)) == GST_FLOW_OK;
}

/* Until everything is written. A pipeline that stops on its own says so on the bus. */
static bool wait_end(struct mux *m, struct err *err)
{
    GstBus *bus = gst_element_get_bus(m->pipeline);
    GstMessage *msg =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    bool ok = GST_MESSAGE_TYPE(msg) == GST_MESSAGE_EOS;

    if (!ok) {
        GError *why = NULL;
        gst_message_parse_error(msg, &why, NULL);
        err_set(err, ERR_CORRUPT, "mux_failed", "%s", why ? why->message : "?");
        g_clear_error(&why);
    }
    gst_message_unref(msg);
    gst_object_unref(bus);
    return ok;
}

static bool run(struct mux *m, struct err *err)
{
    if (m->tl->len == 0)
        return err_set(err, ERR_CORRUPT, "no_packets", "the track is empty");
    if (!load_plugins(err) || !build(m, err))
        return false;
    if (!sandbox_keep_to(SANDBOX_COMPUTE))
        return err_set(err, ERR_IO, "sandbox_refused", "the kernel refuses the filter");
    feed(m);
    if (!wait_end(m, err))
        return false;
    if (m->frames == 0)
        return err_set(err, ERR_CORRUPT, m->codec->keyframes ? "no_keyframe" : "no_frames",
                       "no picture stands alone");
    return true;
}

static void answer(const struct mux *m, bool ok, const struct err *err)
{
    int64_t zero = m->tl && m->tl->len ? m->tl->packets[0].pts_us : 0;

    for (size_t i = 0; m->tl && i < m->tl->len; i++)
        zero = m->tl->packets[i].pts_us < zero ? m->tl->packets[i].pts_us : zero;
    printf("{\"ok\":%s,\"reason\":\"%s\",\"packets\":%zu,\"lost\":%" PRIu64 ",\"frames\":%" PRIu64
           ",\"first_us\":%" PRId64 ",\"duration_ms\":%" PRId64 "}\n",
           ok ? "true" : "false", ok ? "" : err->reason, m->tl ? m->tl->len : 0, m->tl ? m->tl->lost : 0,
           m->frames, ok ? zero + (int64_t)(m->first / 1000) : 0,
           ok ? ((int64_t)(m->last / 1000) + m->codec->last_frame_us) / 1000 : 0);
    fflush(stdout);
}

int mux_main(int argc, char **argv)
{
    struct mux m = {.out_fd = -1};
    struct err err = ERR_INIT;
    bool ok = false;

    log_init("yz-recorderd", LOG_INFO);
    if (argc < 2) {
        fprintf(stderr, "yz-recorderd --mux SEGMENT... OUT\n");
        return 2;
    }
    if (!read_timeline(&m, argv, argc - 1, &err) || !pick_codec(&m, &err))
        goto out;
    m.out_fd = open(argv[argc - 1], O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (m.out_fd < 0) {
        err_errno(&err, argv[argc - 1]);
        goto out;
    }
    /* No registry: nothing is scanned, nothing is written to a home, only PLUGINS are loaded. */
    setenv("GST_REGISTRY_DISABLE", "yes", 1);
    gst_init(NULL, NULL);
    ok = run(&m, &err);
out:
    if (!ok)
        log_warn("mux", LERR(&err));
    answer(&m, ok, &err);
    /* The pipeline's threads may still run: leaving without cleaning up is what a child is for. */
    _exit(0);
}
