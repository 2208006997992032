// Proof that people really see and hear each other: frames decoded and sound measured, not icons.
import { until } from "./until.mjs";

const LOUD = 0.001; /* root mean square; silence is exactly 0 or comfort noise far below */
const ENERGY = 1e-5; /* growth of totalAudioEnergy while listening */
const FRAMES = 10;

function tiles(screen) {
  return screen.evaluate(() => window.__yz.tiles());
}

async function tileOf(screen, role) {
  return (await tiles(screen)).find((tile) => tile.role === role && tile.me !== "true") ?? null;
}

export async function framesOf(screen, role) {
  return (await tileOf(screen, role))?.video?.frames ?? 0;
}

/** The picture of `role` moves on this screen: at least FRAMES more decoded frames from now on. @returns ms it took */
export async function seesVideo(screen, role, { within = 20_000 } = {}) {
  const began = Date.now();
  let before = null;
  await until(
    `${screen.name} decodes video of ${role}`,
    async () => {
      const now = await framesOf(screen, role);
      if (before === null || now < before) before = now; /* a new connection counts from zero again */
      return now >= before + FRAMES;
    },
    { within },
  ).catch(async (error) => {
    error.message += `; tiles: ${JSON.stringify(await tiles(screen).catch(String))}`;
    throw error;
  });
  return Date.now() - began;
}

/** Sound of `role` comes out of this screen. */
export async function hears(screen, role, { within = 15_000 } = {}) {
  return until(
    `${screen.name} hears ${role}`,
    async () => {
      const { loudest, energy } = await screen.evaluate((wanted) => window.__yz.listen(wanted, 1500), role);
      return (loudest > LOUD || energy > ENERGY) && { loudest, energy };
    },
    { within },
  );
}

/** The sound of `role` has stopped on this screen: a muted microphone sends silence or nothing. */
export function isSilent(screen, role, { within = 10_000 } = {}) {
  return until(
    `${screen.name} no longer hears ${role}`,
    async () => {
      const { loudest, energy } = await screen.evaluate((wanted) => window.__yz.listen(wanted, 1500), role);
      return loudest < LOUD && energy < ENERGY;
    },
    { within },
  );
}

/** Each of these people sees and hears every other one. `people`: [{screen, role}]. */
export async function everybodyMeets(people, options) {
  for (const { screen } of people)
    for (const other of people)
      if (other.screen !== screen) {
        await seesVideo(screen, other.role, options);
        await hears(screen, other.role, options);
      }
}

/** When the document was born: another value means that the page was reloaded. */
export function birth(screen) {
  return screen.evaluate(() => window.__yz.born);
}

/** Watch the pictures of these people on each other's screens while `happens`; they move again at the end.
 * @returns ms the worst of them stood still */
export async function longestFreeze(people, happens) {
  const pairs = people.flatMap((one) => people.filter((other) => other !== one).map((other) => ({ screen: one.screen, role: other.role })));
  for (const { screen, role } of pairs) await screen.evaluate((wanted) => window.__yz.freeze.start(wanted), role);
  await happens();
  await Promise.all(pairs.map(({ screen, role }) => seesVideo(screen, role, { within: 40_000 })));
  return Math.max(...(await Promise.all(pairs.map(({ screen, role }) => screen.evaluate((wanted) => window.__yz.freeze.longest(wanted), role)))));
}
