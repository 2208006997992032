// Runs inside every page before the page's own scripts: keeps hold of the peer connections, so that the tests can
// count what was decoded, and sends media through the relay when `window.__yzRelay` names its ports.
(() => {
  if (window.__yz) return;
  const connections = new Set();
  const relay = window.__yzRelay || null; // {udp: {from: to}, tcp: {from: to}}

  // a=candidate:1 1 udp 2130706431 192.0.2.2 20000 typ host …: without a way through the relay the line goes.
  function throughRelay(line) {
    const part = line.split(" ");
    const to = (relay[part[2].toLowerCase()] || {})[part[5]];
    if (!to) return null;
    part[4] = "127.0.0.1";
    part[5] = String(to);
    return part.join(" ");
  }
  /* Several addresses of the product are one way through the relay: each m-section names it once. */
  function rewrite(sdp) {
    const out = [];
    let named = new Set();
    for (const line of sdp.split("\r\n")) {
      if (line.startsWith("m=")) named = new Set();
      if (!line.startsWith("a=candidate:")) {
        out.push(line);
        continue;
      }
      const next = throughRelay(line);
      const place = next?.split(" ").slice(4, 6).join(" ");
      if (next && !named.has(place)) out.push(next);
      named.add(place);
    }
    return out.join("\r\n");
  }

  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description, ...rest) {
    connections.add(this);
    const sent = relay && description?.sdp ? { type: description.type, sdp: rewrite(description.sdp) } : description;
    return original.call(this, sent, ...rest);
  };

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  async function inbound() {
    const tracks = [];
    for (const pc of connections) {
      if (pc.connectionState === "closed") continue;
      const byMid = new Map(pc.getTransceivers().map((t) => [t.mid, t.receiver.track]));
      for (const s of (await pc.getStats()).values()) {
        if (s.type !== "inbound-rtp") continue;
        tracks.push({
          kind: s.kind,
          mid: s.mid,
          track: byMid.get(s.mid)?.id ?? s.trackIdentifier,
          packets: s.packetsReceived ?? 0,
          frames: s.framesDecoded ?? 0,
          width: s.frameWidth ?? 0,
          energy: s.totalAudioEnergy ?? 0,
        });
      }
    }
    return tracks;
  }

  /** What each tile shows right now: [{role, seat, me, video: {frames, …}, audio: {packets, …}}]. */
  async function tiles() {
    const stats = await inbound();
    return [...document.querySelectorAll("[data-testid=tile]")].map((tile) => {
      const ids = [...tile.querySelectorAll("video,audio")].flatMap((e) => (e.srcObject?.getTracks() ?? []).map((t) => t.id));
      const of = (kind) => stats.filter((s) => s.kind === kind && ids.includes(s.track)).pop() ?? null;
      return { ...tile.dataset, video: of("video"), audio: of("audio") };
    });
  }

  /**
   * Sound of a remote track: `loudest` moment (root mean square, 0..1) through WebAudio, and what the decoder's own `energy`
   * grew by meanwhile. Without any sound device Firefox never starts an AudioContext; its decoder counts all the same.
   */
  async function listen(role, ms) {
    const tile = document.querySelector(`[data-testid=tile][data-role="${role}"]:not([data-me="true"])`);
    const track = [...(tile?.querySelectorAll("video,audio") ?? [])].flatMap((e) => e.srcObject?.getAudioTracks() ?? [])[0];
    if (!track) return { loudest: 0, energy: 0 };
    const energyNow = async () => (await inbound()).find((s) => s.track === track.id)?.energy ?? 0;
    const before = await energyNow();
    const context = new AudioContext();
    const end = performance.now() + ms;
    let loudest = 0;
    try {
      await Promise.race([context.resume(), pause(300)]);
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      while (performance.now() < end && loudest < 0.01) {
        await pause(20);
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length));
      }
    } finally {
      Promise.resolve(context.close()).catch(() => {});
    }
    return { loudest, energy: (await energyNow()) - before };
  }

  /** How long the picture of `role` stood still at most, from start() to longest(). A new picture counts, whatever carries it. */
  const freeze = {
    watches: new Map(),
    start(role) {
      clearInterval(freeze.watches.get(role)?.timer);
      const watch = { last: -1, movedAt: performance.now(), longest: 0 };
      watch.timer = setInterval(() => freeze.look(role, watch), 40);
      freeze.watches.set(role, watch);
    },
    look(role, watch) {
      const video = document.querySelector(`[data-testid=tile][data-role="${role}"]:not([data-me="true"]) video`);
      const frames = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
      const now = performance.now();
      watch.longest = Math.max(watch.longest, now - watch.movedAt);
      if (frames > 0 && frames !== watch.last) watch.movedAt = now;
      watch.last = frames;
    },
    longest(role) {
      const watch = freeze.watches.get(role);
      freeze.look(role, watch);
      clearInterval(watch.timer);
      return Math.round(watch.longest);
    },
  };

  window.__yz = { connections, inbound, tiles, listen, freeze, born: performance.timeOrigin };
})();
