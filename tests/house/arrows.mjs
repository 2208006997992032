// arrows.mjs - who may see whom. The table is the design's drawing; an absent arrow is a finding.
import { filesBelow, lineOf, read, withoutComments } from './tree.mjs';

/** room -> what it may include: a folder (all its headers) or one header (message formats only). */
export const ARROWS = {
  'core': [],
  'core/db': ['core'],
  'core/http': ['core'],
  'records': ['core', 'core/db'],
  'records/print': ['core'],
  'media': ['core', 'media/record'],
  'media/record': ['core', 'media'],
  'scheduling': ['records', 'core/db', 'core'],
  'billing': ['records', 'core/db', 'core'],
  'billing/sandbox': ['core', 'core/http', 'billing'],
  'dicom/dataset': ['core'],
  'dicom': ['records', 'core/db', 'core', 'core/http', 'dicom/dataset', 'dicom/decode/protocol.h'],
  'dicom/decode': ['core', 'dicom/dataset'],
  'dicom/edge': ['core', 'dicom'],
  'signaling': ['records', 'core/db', 'core', 'core/http',
    'media/protocol.h', 'scheduling/protocol.h', 'billing/protocol.h', 'dicom/protocol.h'],
};
/** They may look at everything, and nothing looks at them. */
const ONLOOKERS = ['ops', 'tests'];
/** Rooms with SQL of their own: which schemas their statements may name. */
const SCHEMAS = {
  'core/db': ['core'], 'records': ['core', 'records'], 'scheduling': ['scheduling', 'records'],
  'billing': ['billing', 'records'], 'dicom': ['dicom', 'records'], 'signaling': ['signaling', 'records'],
};
const ALL_SCHEMAS = ['core', 'records', 'scheduling', 'billing', 'dicom', 'signaling'];

/** The innermost room of a path, or undefined for onlookers and the rest of the tree. */
export function roomOf(path) {
  return Object.keys(ARROWS).filter((room) => path.startsWith(room + '/')).sort((a, b) => b.length - a.length)[0];
}

const isOnlooker = (path) => ONLOOKERS.some((o) => path.startsWith(o + '/'));

function maySee(room, header) {
  const target = roomOf(header);
  return target === room || ARROWS[room].includes(header) || (target !== undefined && ARROWS[room].includes(target));
}

/** #include lines against the arrows. */
export function includeFindings(root) {
  const findings = [];
  for (const path of filesBelow(root, /\.[ch]$/)) {
    const room = roomOf(path);
    if (!room) continue;
    const text = withoutComments(read(root, path), '//');
    for (const m of text.matchAll(/^[ \t]*#[ \t]*include[ \t]*"([^"]+)"/gm)) {
      const header = m[1].includes('/') ? m[1] : `${room}/${m[1]}`;
      if (header.startsWith('..') || isOnlooker(header) || !maySee(room, header))
        findings.push(`${path}:${lineOf(text, m.index)}: ${room} may not include "${m[1]}"`);
    }
  }
  return findings;
}

/** targets.txt of a build (target, kind, folder, libraries) against the arrows. */
export function linkFindings(targetsText) {
  const rows = targetsText.split('\n').filter(Boolean).map((line) => line.split('\t'));
  const folderOf = new Map(rows.map(([name, , folder]) => [name, folder]));
  const findings = [];
  for (const [name, , folder, libs = ''] of rows) {
    const room = roomOf(folder + '/');
    if (!room) continue;
    for (const lib of libs.split(' ').map((l) => l.replace(/^\$<LINK_ONLY:(.*)>$/, '$1'))) {
      const other = folderOf.get(lib);
      if (other === undefined || roomOf(other + '/') === room) continue;
      if (isOnlooker(other + '/') || !ARROWS[room].includes(roomOf(other + '/')))
        findings.push(`${name} (${room}) may not link ${lib} (${other})`);
    }
  }
  return findings;
}

/** Statements of a room name their own schema and records, nobody else's. */
export function schemaFindings(root) {
  const findings = [];
  for (const path of filesBelow(root, /\.sql$/)) {
    const room = roomOf(path);
    if (!room || !SCHEMAS[room]) continue;
    const text = withoutComments(read(root, path), '--').replace(/'[^']*'/g, (s) => ' '.repeat(s.length));
    for (const schema of ALL_SCHEMAS.filter((s) => !SCHEMAS[room].includes(s)))
      for (const m of text.matchAll(new RegExp(`\\b${schema}\\.[a-z_]+`, 'g')))
        findings.push(`${path}:${lineOf(text, m.index)}: ${room} reaches into ${m[0]}`);
  }
  return findings;
}
