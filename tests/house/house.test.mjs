// The house's own rules: arrows, schema, licences. Each rule is first shown to catch a fault, then asked of the tree.
// Run by ctest (house.rules) with YZ_BUILD naming the build folder; without one the checks of built programs are skipped aloud.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { includeFindings, linkFindings, schemaFindings } from './arrows.mjs';
import { buildFindings, libraryFindings, npmFindings, parseList, readList, spdxAllowed } from './licences.mjs';
import { ddlFindings, migrationFindings, statementFindings } from './migrations.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const BUILD = process.env.YZ_BUILD;

function withTree(files, check) {
  const root = mkdtempSync(join(tmpdir(), 'yz-house-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    check(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('an include against an arrow is found with its line', () => {
  withTree({
    'media/a.c': '#include "core/err.h"\n/* #include "records/x.h" */\n#include "records/person.h"\n',
    'signaling/b.c': '#include "media/protocol.h"\n#include "media/peer.h"\n',
    'core/c.c': '#include "tests/unit/test.h"\n',
  }, (root) => assert.deepEqual(includeFindings(root), [
    'core/c.c:1: core may not include "tests/unit/test.h"',
    'media/a.c:3: media may not include "records/person.h"',
    'signaling/b.c:2: signaling may not include "media/peer.h"',
  ]));
});

test('a link against an arrow is found', () => {
  const targets = 'core\tSTATIC_LIBRARY\tcore\t\nmedia\tSTATIC_LIBRARY\tmedia\tcore\nscheduling\tSTATIC_LIBRARY\tscheduling\tcore media\n';
  assert.deepEqual(linkFindings(targets), ['scheduling (scheduling) may not link media (media)']);
});

test('a statement that reaches into a stranger’s schema is found', () => {
  withTree({ 'signaling/x.sql': "-- name: a\nSELECT 1 FROM scheduling.orders -- records.x\n WHERE t = 'billing.x'\n" }, (root) =>
    assert.deepEqual(schemaFindings(root), ['signaling/x.sql:2: signaling reaches into scheduling.orders']));
});

test('each schema rule catches its fault', () => {
  const good = `CREATE TABLE records.t (region_id bigint NOT NULL, id bigint NOT NULL, tenant_id bigint NOT NULL,
    CONSTRAINT t_pk PRIMARY KEY (region_id, id));
    CREATE INDEX t_tenant ON records.t (region_id, tenant_id);
    ALTER TABLE records.t ENABLE ROW LEVEL SECURITY; ALTER TABLE records.t FORCE ROW LEVEL SECURITY;`;
  assert.deepEqual(ddlFindings('up.sql', good, 'records'), []);
  const faults = [
    [good.replace('PRIMARY KEY (region_id, id)', 'PRIMARY KEY (id, region_id)'), /begins with id/],
    [good.replace('id bigint NOT NULL, tenant', 'id bigserial, tenant'), /serial/],
    [good.replace('tenant_id bigint NOT NULL', 'tenant_id bigint'), /tenant_id NOT NULL/],
    [good.replace(/ALTER TABLE records.t FORCE[^;]*;/, ''), /FORCE ROW LEVEL SECURITY/],
    [good.replace(/CREATE INDEX[^;]*;/, ''), /no index begins with/],
    [good.replace('records.t (region', 'billing.t (region'), /outside the room/],
    [good + 'CREATE UNIQUE INDEX u ON records.t (id);', /unique index begins with id/],
    [good + 'CREATE TRIGGER x BEFORE INSERT ON records.t EXECUTE FUNCTION f();', /a trigger/],
    [good + 'SELECT pg_advisory_lock(1);', /advisory/],
    [good.replace('NOT NULL, tenant', 'NOT NULL UNIQUE, tenant'), /one column/],
  ];
  for (const [ddl, expected] of faults) assert.match(ddlFindings('up.sql', ddl, 'records').join('\n'), expected);
});

test('two migrations with one number, and a statement without a region, are found', () => {
  withTree({
    'core/migrations/0001_a/up.sql': '', 'core/migrations/0001_a/check.sql': '', 'core/migrations/0001_a/why.md': '',
    'records/migrations/0001_b/up.sql': '',
    'records/s.sql': '-- name: good\nSELECT 1 WHERE region_id = $1;\n-- name: bad\nSELECT 2;\n',
  }, (root) => {
    assert.match(migrationFindings(root).join('\n'), /number 0001 is taken[\s\S]*check.sql is missing/);
    assert.deepEqual(statementFindings(root), ['records/s.sql:3: bad names no region_id']);
  });
});

test('a GPL library, an unknown one and an unlisted npm licence are found', () => {
  const list = parseList('libc LGPL-2.1\nlibx264 GPL-2.0-or-later\n');
  assert.equal(libraryFindings('p', ['libc.so.6'], list).length, 0);
  assert.match(libraryFindings('p', ['libx264.so.164'], list)[0], /only run/);
  assert.match(libraryFindings('p', ['libodd.so.1'], list)[0], /not on the licence list/);
  const allowed = new Set(['MIT', 'ISC']);
  assert.ok(spdxAllowed('(MIT OR GPL-3.0)', allowed));
  assert.ok(!spdxAllowed('MIT AND GPL-3.0', allowed));
  const lock = { packages: { '': {}, 'node_modules/a': { license: 'GPL-3.0', resolved: 'x' } } };
  assert.equal(npmFindings(JSON.stringify(lock), allowed).length, 2);
});

const none = (findings) => assert.deepEqual(findings, [], '\n' + findings.join('\n'));

test('the tree: no folder includes against the arrows', () => none(includeFindings(ROOT)));
test('the tree: no statement reaches into a stranger’s schema', () => none(schemaFindings(ROOT)));
test('the tree: every migration keeps the schema rules', () => none(migrationFindings(ROOT)));
test('the tree: every statement names its region', () => none(statementFindings(ROOT)));
test('the tree: every npm package has a licence on the list', () => {
  const allowed = new Set(readList(join(HERE, 'npm-licences.txt')).map((r) => r.name));
  none(npmFindings(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'), allowed));
});
test('the build: no target links against the arrows', { skip: !BUILD && 'YZ_BUILD is not set' }, () =>
  none(linkFindings(readFileSync(join(BUILD, 'targets.txt'), 'utf8'))));
test('the build: every linked library has a licence on the list', { skip: !BUILD && 'YZ_BUILD is not set' }, () =>
  none(buildFindings(join(BUILD, 'bin'), readList(join(HERE, 'libraries.txt')))));
