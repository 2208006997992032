// Is a recording really a recording? Asked of ffprobe, which knows nothing of us.
import { writeFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.mjs";

/** Fetches the track with the person's own session and counts what is in it. */
export async function probe(api, url) {
  const folder = await mkdtemp(join(tmpdir(), "yz-track-"));
  try {
    const answer = await fetch(api.url + url, { headers: api.headers() });
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
    const file = join(folder, "track");
    await writeFile(file, Buffer.from(await answer.arrayBuffer()));
    const out = await run("ffprobe", ["-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", file]);
    const { streams, format } = JSON.parse(out);
    return {
      type: answer.headers.get("content-type"),
      codec: streams[0].codec_name,
      kind: streams[0].codec_type,
      packets: Number(streams[0].nb_read_packets),
      seconds: Number(format.duration ?? streams[0].duration ?? 0),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
