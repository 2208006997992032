// Offers as a browser would write them, and ones nobody should write.
const FINGERPRINT = `sha-256 ${Array.from({ length: 32 }, (_, i) => (i * 7 % 256).toString(16).toUpperCase().padStart(2, "0")).join(":")}`;
const SHA1 = `sha-1 ${Array.from({ length: 20 }, (_, i) => (i * 7 % 256).toString(16).toUpperCase().padStart(2, "0")).join(":")}`;

function section(mid, fingerprint) {
  return [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "c=IN IP4 0.0.0.0",
    "a=rtcp-mux",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx",
    ...(fingerprint ? [`a=fingerprint:${fingerprint}`] : []),
    "a=setup:actpass",
    `a=mid:${mid}`,
    "a=sendonly",
    "a=rtpmap:111 opus/48000/2",
    `a=ssrc:${1000 + mid} cname:test`,
  ];
}

function offer(sections) {
  const mids = sections.map((_, i) => i).join(" ");
  return ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", `a=group:BUNDLE ${mids}`, "a=msid-semantic: WMS", ...sections.flat(), ""].join("\r\n");
}

export const offers = {
  good: () => offer([section(0, FINGERPRINT)]),
  withoutFingerprint: () => offer([section(0, null)]),
  withSha1: () => offer([section(0, SHA1)]),
  withThousandLines: () => offer(Array.from({ length: 1000 }, (_, i) => section(i, FINGERPRINT))),
  /* short enough to get past every limit on bytes */
  withThousandBareLines: () => `${offer([section(0, FINGERPRINT)])}${"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(1000)}`,
  withPlainRtp: () => offer([section(0, FINGERPRINT)]).replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
  withNul: () => offer([section(0, FINGERPRINT)]).replace("s=-", "s=\0"),
  empty: () => "",
  huge: () => `${offer([section(0, FINGERPRINT)])}${"a=x:y\r\n".repeat(20_000)}`,
};
