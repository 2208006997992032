// licences.mjs - every library we link and every npm package we ship or run has a licence on the list.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** "name-prefix  LICENCE" per line; '#' comments. */
export function parseList(text) {
  return text.split('\n').map((l) => l.replace(/#.*/, '').trim()).filter(Boolean).map((l) => {
    const [name, ...licence] = l.split(/\s+/);
    return { name, licence: licence.join(' ') };
  });
}

const GPL = /(^|[^LA-Z])A?GPL/;

export function libraryFindings(program, needed, list) {
  const findings = [];
  for (const soname of needed) {
    const row = list.find((r) => soname === r.name || soname.startsWith(r.name + '.so') || soname.startsWith(r.name + '-'));
    if (!row) findings.push(`${program} links ${soname}, which is not on the licence list`);
    else if (GPL.test(row.licence)) findings.push(`${program} links ${soname} (${row.licence}); GPL programs are only run`);
  }
  return findings;
}

/** What the ELF file asks the dynamic linker for. */
export function neededBy(path) {
  const out = execFileSync('readelf', ['-d', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return [...out.matchAll(/\(NEEDED\).*\[(.+?)\]/g)].map((m) => m[1]);
}

export function buildFindings(binFolder, list) {
  if (!existsSync(binFolder)) return [`${binFolder} does not exist: build first`];
  return readdirSync(binFolder).filter((f) => statSync(join(binFolder, f)).isFile())
    .flatMap((f) => libraryFindings(f, neededBy(join(binFolder, f)), list));
}

/** SPDX expressions: every AND part, and at least one OR part, must be allowed. */
export function spdxAllowed(expression, allowed) {
  const plain = String(expression).replace(/[()]/g, ' ').trim();
  return plain.split(/\s+AND\s+/).every((part) => part.split(/\s+OR\s+/).some((l) => allowed.has(l.trim())));
}

export function npmFindings(lockText, allowed) {
  const findings = [];
  for (const [path, pkg] of Object.entries(JSON.parse(lockText).packages)) {
    if (path === '' || pkg.link) continue;
    if (!spdxAllowed(pkg.license ?? 'none stated', allowed)) findings.push(`${path}: licence ${pkg.license ?? 'none stated'} is not on the list`);
    if (pkg.resolved) findings.push(`${path}: the lock file names a download address`);
  }
  return findings;
}

export const readList = (path) => parseList(readFileSync(path, 'utf8'));
