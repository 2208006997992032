#!/usr/bin/env node
// Join to first decoded frame in Chromium: from the press on "enter" to the first picture of the doctor on the patient's screen.
// Prints one JSON line. Usage: node tests/load/join/join.mjs [--rounds=30]
import { parseArgs } from "node:util";
import { openChromium } from "../../e2e/lib/browsers.mjs";
import { onDuty, publishSession, waitingFollowUp } from "../../e2e/lib/clinic.mjs";
import { seesVideo } from "../../e2e/lib/evidence.mjs";
import { Doctor, Patient } from "../../e2e/lib/people.mjs";
import { Product } from "../../e2e/lib/product.mjs";
import { percentile, round, say } from "../figures.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "30" } } });

/* Runs in the page: press, then look at every animation frame whether the doctor's picture has begun. */
function pressAndSee() {
  const began = performance.now();
  document.querySelector("[data-testid=join]").click();
  return new Promise((resolve, reject) => {
    const look = () => {
      const video = document.querySelector('[data-testid=tile][data-role="doctor"] video');
      if (video?.getVideoPlaybackQuality().totalVideoFrames > 0) resolve(performance.now() - began);
      else if (performance.now() - began > 20_000) reject(new Error("no picture within 20 s"));
      else requestAnimationFrame(look);
    };
    look();
  });
}

async function measure(product, chromium, rounds) {
  const roster = await publishSession(product);
  await onDuty(product, "doctor1");
  const { order } = await waitingFollowUp(product, roster);
  const doctor = await new Doctor(product, await chromium.screen("doctor"), "doctor1").logs_in();
  const patient = await new Patient(product, await chromium.screen("patient", { phone: true }), "patient1").logs_in();
  await patient.goes_to(`/orders/${order.id}`);
  await patient.enters_the_room();
  await doctor.opens(order.id);
  await doctor.admits();
  await seesVideo(patient.screen, "doctor");
  const samples = [];
  for (let n = 0; n < rounds; n++) {
    await patient.leaves_the_room();
    await patient.goes_to(`/orders/${order.id}`);
    await patient.screen.sees("join");
    samples.push(await patient.screen.evaluate(pressAndSee));
  }
  return samples;
}

const product = await Product.start();
const chromium = await openChromium();
try {
  const samples = await measure(product, chromium, Number(values.rounds));
  say({
    bench: "join",
    case: "join to first decoded frame, Chromium",
    rounds: samples.length,
    p50_ms: round(percentile(samples, 0.5), 0),
    p95_ms: round(percentile(samples, 0.95), 0),
    max_ms: round(Math.max(...samples), 0),
  });
} finally {
  await chromium.close();
  await product.end();
}
