// migrations.mjs - the schema rules that keep us portable and tenants apart, checked on the DDL text.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, lineOf, read, withoutComments } from './tree.mjs';

const FORBIDDEN = [
  [/\bCREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?TRIGGER\b/gi, 'a trigger'],
  [/\b(small|big)?serial\b/gi, 'serial'],
  [/\bGENERATED\s+(ALWAYS|BY\s+DEFAULT)\s+AS\s+IDENTITY\b/gi, 'an identity column'],
  [/\bCREATE\s+SEQUENCE\b|\bnextval\s*\(/gi, 'a sequence'],
  [/\b(NOT\s+)?DEFERRABLE\b|\bINITIALLY\s+DEFERRED\b/gi, 'a deferrable constraint'],
  [/\bEXCLUDE\s+USING\b/gi, 'an exclusion constraint'],
  [/\bpg_(try_)?advisory_/gi, 'an advisory lock'],
  [/(^|;)\s*(NOTIFY|LISTEN)\b|\bpg_notify\b/gim, 'NOTIFY'],
  [/\bLOCK\s+TABLE\b/gi, 'LOCK TABLE'],
  [/\bCREATE\s+(GLOBAL\s+|LOCAL\s+)?TEMP(ORARY)?\b/gi, 'a temporary table'],
  [/\bON\s+(DELETE|UPDATE)\s+CASCADE\b/gi, 'a cascade (nothing disappears by itself)'],
];
/** Tables of the database itself, not of a region. */
const HOUSEKEEPING = new Set(['core.migrations']);

/** Everything between the parenthesis at `open` and its partner. */
function inside(text, open) {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth === 0) return text.slice(open + 1, i);
  }
  return text.slice(open + 1);
}

function splitTop(list) {
  const parts = [];
  let depth = 0, start = 0;
  for (let i = 0; i <= list.length; i++) {
    if (list[i] === '(') depth++;
    if (list[i] === ')') depth--;
    if (i === list.length || (list[i] === ',' && depth === 0)) {
      parts.push(list.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts.filter(Boolean);
}

const firstColumn = (list) => list.trim().split(/[\s,)]/)[0].toLowerCase();

function tableFindings(name, body, where, say) {
  const parts = splitTop(body);
  const columns = parts.filter((p) => !/^(CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK|LIKE)\b/i.test(p));
  const column = (c) => columns.find((p) => firstColumn(p) === c);
  if (!/\bbigint\b.*\bNOT\s+NULL\b/i.test(column('region_id') ?? '')) say(where, `${name}: region_id bigint NOT NULL is missing`);
  for (const c of columns)
    if (/\b(PRIMARY\s+KEY|UNIQUE|REFERENCES)\b/i.test(c)) say(where, `${name}: a key on one column cannot begin with region_id: ${c.slice(0, 50)}`);
  for (const m of body.matchAll(/\b(PRIMARY\s+KEY|UNIQUE|FOREIGN\s+KEY|REFERENCES\s+[\w.]+)\s*\(([^)]*)\)/gi))
    if (firstColumn(m[2]) !== 'region_id') say(where, `${name}: ${m[1].replace(/\s+/g, ' ')} begins with ${firstColumn(m[2])}, not region_id`);
  if (!/\bPRIMARY\s+KEY\s*\(/i.test(body)) say(where, `${name}: no primary key`);
  return { name, hasTenant: /\bNOT\s+NULL\b/i.test(column('tenant_id') ?? ''), where };
}

/** Lint one up.sql. `room` is the folder, hence the schema. */
export function ddlFindings(path, raw, room) {
  const findings = [];
  const text = withoutComments(raw, '--');
  const flat = text.replace(/'[^']*'/g, (s) => `'${' '.repeat(Math.max(0, s.length - 2))}'`);
  const say = (index, what) => findings.push(`${path}:${lineOf(text, index)}: ${what}`);

  for (const [pattern, what] of FORBIDDEN)
    for (const m of flat.matchAll(pattern)) say(m.index, `${what} is not portable`);
  for (const m of flat.matchAll(/\bCREATE\s+UNIQUE\s+INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?\w+\s+ON\s+[\w.]+\s*(?:USING\s+\w+\s*)?\(([^)]*)/gi))
    if (firstColumn(m[1]) !== 'region_id') say(m.index, `a unique index begins with ${firstColumn(m[1])}, not region_id`);

  const tables = [];
  for (const m of flat.matchAll(/\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)\s*\(/gi)) {
    const name = m[1].toLowerCase();
    if (HOUSEKEEPING.has(name)) continue;
    if (name.split('.')[0] !== room.split('/')[0]) say(m.index, `${name} is outside the room's schema ${room}`);
    tables.push(tableFindings(name, inside(flat, m.index + m[0].length - 1), m.index, say));
  }
  for (const { name, hasTenant, where } of tables) {
    const escaped = name.replace('.', '\\.');
    const reference = new RegExp(`COMMENT\\s+ON\\s+TABLE\\s+${escaped}\\s+IS\\s+'[^']*no tenant:`, 'i').test(text);
    if (!hasTenant && !reference) say(where, `${name}: tenant_id NOT NULL is missing (or a comment "…no tenant: why")`);
    if (!hasTenant) continue;
    for (const verb of ['ENABLE', 'FORCE'])
      if (!new RegExp(`ALTER\\s+TABLE\\s+${escaped}[^;]*\\b${verb}\\s+ROW\\s+LEVEL\\s+SECURITY`, 'i').test(flat) && !rlsByLoop(raw, name, verb))
        say(where, `${name}: ${verb} ROW LEVEL SECURITY is missing`);
    const tenantIndex = new RegExp(`ON\\s+${escaped}\\s*(USING\\s+\\w+\\s*)?\\(\\s*region_id\\s*,\\s*tenant_id\\b`, 'i');
    const tenantKey = new RegExp(`CREATE\\s+TABLE\\s+(IF\\s+NOT\\s+EXISTS\\s+)?${escaped}\\b[^;]*(PRIMARY\\s+KEY|UNIQUE)\\s*\\(\\s*region_id\\s*,\\s*tenant_id\\b`, 'i');
    if (!tenantIndex.test(flat) && !tenantKey.test(flat)) say(where, `${name}: no index begins with (region_id, tenant_id)`);
  }
  return findings;
}

/** `FOREACH t IN ARRAY ARRAY['a','b'] … EXECUTE format('ALTER TABLE records.%I ENABLE ROW LEVEL SECURITY', t)` names its tables in the array. */
function rlsByLoop(raw, name, verb) {
  const [schema, table] = name.split('.');
  for (const m of raw.matchAll(/DO\s+\$(\w*)\$([\s\S]*?)\$\1\$/gi))
    if (new RegExp(`'${table}'`).test(m[2]) && new RegExp(`ALTER\\s+TABLE\\s+${schema}\\.%I\\s+[^']*${verb}\\s+ROW\\s+LEVEL\\s+SECURITY`, 'i').test(m[2]))
      return true;
  return false;
}

export function migrationFindings(root) {
  const findings = [];
  const numbers = new Map();
  for (const path of filesBelow(root, /^up\.sql$/)) {
    const m = path.match(/^(.+)\/migrations\/(\d{4})_[a-z0-9_]+\/up\.sql$/);
    if (!m) { findings.push(`${path}: not FOLDER/migrations/NNNN_name/up.sql`); continue; }
    if (numbers.has(m[2])) findings.push(`${path}: number ${m[2]} is taken by ${numbers.get(m[2])}`);
    numbers.set(m[2], path);
    for (const beside of ['check.sql', 'why.md'])
      if (!existsSync(join(root, path, '..', beside))) findings.push(`${path}: ${beside} is missing beside it`);
    findings.push(...ddlFindings(path, read(root, path), m[1]));
  }
  return findings;
}

/** Named statements: each names its region, and none uses what a pooled or distributed database lacks. */
export function statementFindings(root) {
  const findings = [];
  for (const path of filesBelow(root, /\.sql$/)) {
    if (path.includes('/migrations/') || /^(tests|ops)\//.test(path) || /(^|\/)demo\.sql$/.test(path)) continue;
    const raw = read(root, path);
    const heads = [...raw.matchAll(/^-- name: (\w+)/gm)];
    heads.forEach((head, i) => {
      const block = raw.slice(head.index, heads[i + 1]?.index ?? raw.length);
      const text = withoutComments(block, '--');
      const at = `${path}:${lineOf(raw, head.index)}: ${head[1]}`;
      if (!/\bregion_id\b|'yz\.region'/.test(text) && !/^-- no region:/m.test(block)) findings.push(`${at} names no region_id`);
      for (const [pattern, what] of FORBIDDEN) if (new RegExp(pattern.source, 'im').test(text)) findings.push(`${at} uses ${what}`);
    });
  }
  return findings;
}
