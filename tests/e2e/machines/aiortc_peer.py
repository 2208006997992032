#!/usr/bin/python3
"""aiortc against WHIP and WHEP: publishes a tone and moving pictures, or counts what it decodes. Ends with its stdin."""
import asyncio
import math
import sys

import av
import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

from whip_http import arguments, say


class Tone(AudioStreamTrack):
    """440 Hz, so that silence and sound cannot be confused."""

    async def recv(self):
        frame = await super().recv()  # keeps the pace and the timestamps
        start = frame.pts
        wave = [int(8000 * math.sin(2 * math.pi * 440 * (start + i) / frame.sample_rate)) for i in range(frame.samples)]
        out = av.AudioFrame.from_ndarray(numpy.array([wave], dtype=numpy.int16), format="s16", layout="mono")
        out.pts, out.sample_rate, out.time_base = frame.pts, frame.sample_rate, frame.time_base
        return out


class Count:
    def __init__(self):
        self.video = self.audio = 0
        self.loudest = 0

    async def take(self, track):
        try:
            while True:
                frame = await track.recv()
                if track.kind == "video":
                    self.video += 1
                else:
                    self.audio += 1
                    self.loudest = max(self.loudest, int(numpy.abs(frame.to_ndarray()).max()))
        except MediaStreamError:
            return


async def until_stdin_ends(count):
    reader = asyncio.StreamReader()
    await asyncio.get_event_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while not reader.at_eof():
        try:
            await asyncio.wait_for(reader.read(64), timeout=0.3)
        except asyncio.TimeoutError:
            say(video=count.video, audio=count.audio, loudest=count.loudest)


async def main():
    what, session = arguments()
    pc, count, tasks = RTCPeerConnection(), Count(), []

    @pc.on("connectionstatechange")
    def changed():
        say(state=pc.connectionState)

    @pc.on("track")
    def taken(track):
        tasks.append(asyncio.ensure_future(count.take(track)))

    if what == "publish":
        pc.addTransceiver(Tone(), direction="sendonly")
        pc.addTransceiver(VideoStreamTrack(), direction="sendonly")
    else:
        pc.addTransceiver("audio", direction="recvonly")
        pc.addTransceiver("video", direction="recvonly")
    await pc.setLocalDescription(await pc.createOffer())
    answer = await asyncio.get_event_loop().run_in_executor(None, session.offer, pc.localDescription.sdp)
    await pc.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
    await until_stdin_ends(count)
    await asyncio.get_event_loop().run_in_executor(None, session.end)
    await pc.close()


asyncio.run(main())
