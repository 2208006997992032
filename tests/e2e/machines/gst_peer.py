#!/usr/bin/python3
"""GStreamer's webrtcbin against WHIP and WHEP: publishes test pictures and a tone, or counts what it decodes. Ends with its stdin."""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from whip_http import arguments, say  # noqa: E402

PUBLISH = """
 webrtcbin name=peer bundle-policy=max-bundle
 videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 keyframe-max-dist=30
   ! rtpvp8pay picture-id-mode=15-bit ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! peer.
 audiotestsrc is-live=true freq=440 ! audio/x-raw,rate=48000,channels=2 ! opusenc
   ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.
"""
RECEIVE = {
    "video": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2",
}


class Peer:
    def __init__(self, what, session):
        self.session = session
        self.loop = GLib.MainLoop()
        self.count = {"video": 0, "audio": 0}
        self.offered = False
        self.pipe = Gst.parse_launch(PUBLISH) if what == "publish" else Gst.Pipeline.new("play")
        self.peer = self.pipe.get_by_name("peer") if what == "publish" else self.make_receiver()
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        self.peer.connect("notify::connection-state", self.changed)

    def make_receiver(self):
        peer = Gst.ElementFactory.make("webrtcbin", "peer")
        peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipe.add(peer)
        peer.connect("pad-added", self.take)
        for caps in RECEIVE.values():
            peer.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
        return peer

    def take(self, _peer, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        decode = Gst.ElementFactory.make("decodebin", None)
        decode.connect("pad-added", self.decoded)
        self.pipe.add(decode)
        decode.sync_state_with_parent()
        pad.link(decode.get_static_pad("sink"))

    def decoded(self, _decode, pad):
        kind = pad.get_current_caps().get_structure(0).get_name().split("/")[0]
        sink = Gst.ElementFactory.make("fakesink", None)
        sink.set_property("signal-handoffs", True)
        sink.connect("handoff", self.counted, kind)
        self.pipe.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def counted(self, _sink, _buffer, _pad, kind):
        self.count[kind] += 1

    def negotiate(self, peer):
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.made_offer))

    def made_offer(self, promise):
        reply = promise.get_reply()  # owns the offer: keep it as long as we use that
        self.peer.emit("set-local-description", reply.get_value("offer"), None)

    def gathered(self, peer, _name):
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE and not self.offered:
            self.offered = True
            GLib.idle_add(self.exchange)

    def exchange(self):
        answer = self.session.offer(self.peer.get_property("local-description").sdp.as_text())
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        self.peer.emit("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message), None)
        return False

    def changed(self, peer, _name):
        say(state=peer.get_property("connection-state").value_nick)

    def report(self):
        say(**self.count)
        return True

    def heard(self, channel, condition):
        if condition & GLib.IO_HUP or not channel.read(64):
            self.loop.quit()
            return False
        return True

    def failed(self, _bus, message):
        error, _ = message.parse_error()
        say(error=error.message)
        self.loop.quit()

    def run(self):
        bus = self.pipe.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.failed)
        GLib.io_add_watch(GLib.IOChannel.unix_new(sys.stdin.fileno()), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.heard)
        GLib.timeout_add(300, self.report)
        self.pipe.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.session.end()
        self.pipe.set_state(Gst.State.NULL)


Gst.init(None)
Peer(*arguments()).run()
