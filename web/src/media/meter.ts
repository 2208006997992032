/** Loudness of a track, 0 (silence) to 1, about ten times a second. Returns the function that stops it. */
export function meter(track: MediaStreamTrack, heard: (level: number) => void): () => void {
  const Context = window.AudioContext as typeof AudioContext | undefined;
  if (!Context || track.kind !== "audio") return () => undefined;
  const context = new Context();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const wave = new Uint8Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getByteTimeDomainData(wave);
    heard(loudness(wave));
  }, 100);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close();
  };
}

/** Root mean square on a decibel scale: -50 dB and less is silence, -10 dB and more is full. */
export function loudness(wave: Uint8Array): number {
  let sum = 0;
  for (const byte of wave) sum += ((byte - 128) / 128) ** 2;
  const rms = Math.sqrt(sum / Math.max(1, wave.length));
  if (rms === 0) return 0;
  return Math.min(1, Math.max(0, (20 * Math.log10(rms) + 50) / 40));
}
