// A story is told in order: when one sentence fails, those after it are skipped, and the screens are kept to look at.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { TOP } from "./product.mjs";

/** @param screens  called at a failure: the screens to take a picture of */
export function stages({ screens = () => [] } = {}) {
  let failed = null;
  return (sentence, tell) =>
    test(sentence, async (t) => {
      if (failed) {
        t.skip(`after: ${failed}`);
        return;
      }
      const began = Date.now();
      try {
        await tell(t);
        t.diagnostic(`${((Date.now() - began) / 1000).toFixed(1)} s`);
      } catch (error) {
        failed = sentence;
        await keepPictures(screens()).catch((e) => t.diagnostic(`no pictures: ${e.message}`));
        throw error;
      }
    });
}

async function keepPictures(screens) {
  const folder = process.env.YUNZHEN_E2E_PICTURES ?? join(TOP, "build/e2e");
  await mkdir(folder, { recursive: true });
  for (const screen of screens) {
    await screen.screenshot(join(folder, `${screen.name.replace(/\W+/g, "-")}.png`));
    for (const complaint of screen.complaints()) console.error(`${screen.name}: ${complaint}`);
  }
}
