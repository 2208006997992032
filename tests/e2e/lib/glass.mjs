// What is really on the glass: pixels of the viewer's and the ECG's canvases.
import { until } from "./until.mjs";

/** Colour at a point of the shown image (shares of its width and height), which fits the glass and is as wide as high. */
export function colourAt(screen, u, v) {
  return screen.evaluate(([x, y]) => {
    const canvas = document.querySelector("[data-testid=viewer-glass] canvas");
    const side = Math.min(canvas.width, canvas.height);
    const at = [canvas.width / 2 + (x - 0.5) * side, canvas.height / 2 + (y - 0.5) * side].map(Math.round);
    return [...canvas.getContext("2d").getImageData(at[0], at[1], 1, 1).data].slice(0, 3);
  }, [u, v]);
}

/** The colour is there, give or take `slack` of 255 in each channel. */
export function showsColour(screen, [u, v], wanted, slack = 2) {
  const all = Array.isArray(wanted) ? wanted : [wanted, wanted, wanted];
  return until(`${screen.name} shows ${all} at ${u}, ${v}`, async () => {
    const got = await colourAt(screen, u, v);
    if (!got.every((value, i) => Math.abs(value - all[i]) <= slack)) throw new Error(`it is ${got}`);
    return true;
  }, { within: 30_000 });
}

/** Grey of a value in a window (PS3.3 C.11.2.1.2.1). */
export function grey(value, center, width) {
  const share = (value - (center - 0.5)) / (width - 1) + 0.5;
  return Math.round(255 * Math.min(1, Math.max(0, share)));
}

/** The first pulse on a piece of the ECG sheet (mm from its corner): width between its edges and height over its foot, in device pixels. */
export function pulseOn(screen, fromMm, toMm, topMm, bottomMm) {
  return screen.evaluate(([left, right, top, bottom]) => {
    const canvas = document.querySelector("[data-testid=ecg-canvas]");
    const scale = Number(document.querySelector("[data-testid=ecg-paper]").dataset.pxPerMm) * devicePixelRatio;
    const [x0, y0, width, height] = [left, top, right - left, bottom - top].map((mm) => Math.round(mm * scale));
    const { data } = canvas.getContext("2d").getImageData(x0, y0, width, height);
    const dark = (x, y) => { const i = (y * width + x) * 4; return data[i] + data[i + 1] + data[i + 2] < 240; };
    const column = (x) => Array.from({ length: height }, (_, y) => y).filter((y) => dark(x, y));
    const columns = Array.from({ length: width }, (_, x) => column(x));
    const tall = columns.flatMap((ys, x) => (ys.length > 6 * scale ? [x] : []));
    const middle = (list) => (list[0] + list[list.length - 1]) / 2;
    const rising = tall.filter((x) => x - tall[0] < scale);
    const falling = tall.filter((x) => x - rising[rising.length - 1] > scale && x - tall[0] < 12 * scale);
    const plateau = columns[Math.round((middle(rising) + middle(falling)) / 2)];
    const foot = columns[Math.max(0, Math.round(middle(rising) - scale))];
    return { width: middle(falling) - middle(rising), height: middle(foot) - middle(plateau), scale };
  }, [fromMm, toMm, topMm, bottomMm]);
}
