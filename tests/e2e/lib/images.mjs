// Pictures for README and docs: taken by the story, kept small by a palette.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.mjs";
import { TOP } from "./product.mjs";

const COLOURS = 160;

/** docs/images/NAME.png */
export async function keepImage(screen, name) {
  const folder = await mkdtemp(join(tmpdir(), "yz-image-"));
  try {
    const full = join(folder, "full.png");
    await screen.screenshot(full);
    await mkdir(join(TOP, "docs/images"), { recursive: true });
    await run("ffmpeg", [
      "-v", "error", "-y", "-i", full,
      "-vf", `split[a][b];[a]palettegen=max_colors=${COLOURS}[p];[b][p]paletteuse=dither=bayer:bayer_scale=4`,
      "-compression_level", "100", join(TOP, "docs/images", `${name}.png`),
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
