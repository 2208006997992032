import type { Caliper } from "./caliper";
import { mmOfSeconds, mmOfUv, PULSE, xOfTime, yOfUv, type Scale, type Sheet, type Strip } from "./paper";
import type { Group, Lead } from "./waveform";

export const INK = { paper: "#fffaf8", fine: "#f7d3ce", coarse: "#e9a49c", trace: "#0b1416", name: "#0b1416", caliper: "#0b57d0" };

/** The size of the sheet in whole device pixels, and the factor from millimetres to them. */
export interface Glass { width: number; height: number; pxPerMm: number }
export const glassOf = (sheet: Sheet, scale: Scale, ratio: number): Glass => ({
  width: Math.round(sheet.widthMm * scale.pxPerMm * ratio), height: Math.round(sheet.heightMm * scale.pxPerMm * ratio), pxPerMm: scale.pxPerMm * ratio,
});

type Pen = Pick<CanvasRenderingContext2D, "fillStyle" | "strokeStyle" | "lineWidth" | "lineJoin" | "font" | "textBaseline" | "beginPath" | "moveTo" | "lineTo" | "stroke" | "fillRect" | "fillText" | "setLineDash">;

function lines(pen: Pen, glass: Glass, every: number, colour: string, width: number): void {
  pen.beginPath();
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  const step = every * glass.pxPerMm;
  for (let x = 0; x <= glass.width + 0.5; x += step) { pen.moveTo(x, 0); pen.lineTo(x, glass.height); }
  for (let y = 0; y <= glass.height + 0.5; y += step) { pen.moveTo(0, y); pen.lineTo(glass.width, y); }
  pen.stroke();
}

export function drawPaper(pen: Pen, glass: Glass): void {
  pen.fillStyle = INK.paper;
  pen.fillRect(0, 0, glass.width, glass.height);
  const hair = Math.max(1, 0.1 * glass.pxPerMm);
  lines(pen, glass, 1, INK.fine, hair);
  lines(pen, glass, 5, INK.coarse, hair * 1.4);
}

/** 1 mV for 200 ms in front of each row. */
function drawPulse(pen: Pen, glass: Glass, scale: Scale, baselineMm: number): void {
  const [left, width, height] = [2.5, mmOfSeconds(scale, PULSE.seconds), mmOfUv(scale, PULSE.uv)];
  const at = (x: number, y: number): [number, number] => [x * glass.pxPerMm, y * glass.pxPerMm];
  pen.beginPath();
  pen.moveTo(...at(left - 1.5, baselineMm));
  pen.lineTo(...at(left, baselineMm));
  pen.lineTo(...at(left, baselineMm - height));
  pen.lineTo(...at(left + width, baselineMm - height));
  pen.lineTo(...at(left + width, baselineMm));
  pen.lineTo(...at(left + width + 1.5, baselineMm));
  pen.stroke();
}

function drawStrip(pen: Pen, glass: Glass, scale: Scale, strip: Strip, lead: Lead, hz: number, baselineMm: number): void {
  const first = Math.max(0, Math.ceil(strip.fromS * hz));
  const last = Math.min(lead.uv.length - 1, Math.floor(strip.toS * hz));
  pen.beginPath();
  let down = false;
  for (let i = first; i <= last; i++) {
    const uv = lead.uv[i] ?? NaN;
    const x = (strip.xMm + mmOfSeconds(scale, i / hz - strip.fromS)) * glass.pxPerMm;
    const y = (baselineMm - mmOfUv(scale, uv)) * glass.pxPerMm;
    // What the machine did not record is a gap on the paper, not a straight line.
    if (Number.isNaN(uv)) down = false;
    else if (down) pen.lineTo(x, y);
    else { pen.moveTo(x, y); down = true; }
  }
  pen.stroke();
}

export function drawEcg(pen: Pen, glass: Glass, group: Group, sheet: Sheet, scale: Scale): void {
  drawPaper(pen, glass);
  pen.strokeStyle = INK.trace;
  pen.lineWidth = Math.max(1, 0.3 * glass.pxPerMm);
  pen.lineJoin = "round";
  for (const baseline of sheet.baselines) drawPulse(pen, glass, scale, baseline);
  const leads = new Map(group.leads.map((lead) => [lead.name, lead]));
  pen.fillStyle = INK.name;
  pen.font = `600 ${(3.6 * glass.pxPerMm).toFixed(1)}px sans-serif`;
  pen.textBaseline = "top";
  for (const strip of sheet.strips) {
    const baseline = sheet.baselines[strip.row] ?? 0;
    const lead = leads.get(strip.lead);
    pen.fillText(strip.missing ? `${strip.lead} –` : strip.lead, (strip.xMm + 1) * glass.pxPerMm, (strip.row * sheet.rowMm + 1) * glass.pxPerMm);
    if (lead) drawStrip(pen, glass, scale, strip, lead, group.hz, baseline);
  }
}

export function drawCaliper(pen: Pen, glass: Glass, caliper: Caliper, sheet: Sheet, scale: Scale): void {
  const k = glass.pxPerMm;
  pen.strokeStyle = INK.caliper;
  pen.lineWidth = Math.max(1, 0.25 * k);
  pen.beginPath();
  if (caliper.kind === "time") {
    const [a, b] = [xOfTime(sheet, scale, caliper.a) * k, xOfTime(sheet, scale, caliper.b) * k];
    const y = (sheet.baselines[caliper.row] ?? 0) * k;
    for (const x of [a, b]) { pen.moveTo(x, 0); pen.lineTo(x, glass.height); }
    pen.moveTo(a, y);
    pen.lineTo(b, y);
  } else {
    const [a, b] = [yOfUv(sheet, scale, caliper.row, caliper.a) * k, yOfUv(sheet, scale, caliper.row, caliper.b) * k];
    for (const y of [a, b]) { pen.moveTo(0, y); pen.lineTo(glass.width, y); }
  }
  pen.stroke();
}
