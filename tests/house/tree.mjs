// tree.mjs - reads a checkout as the house tests see it: files below a root, without what is built or installed.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const SKIP = new Set(['node_modules', 'build', 'dist', 'var', '.git', 'generated']);

/** Every file below root whose name matches, as paths relative to root with '/'. */
export function filesBelow(root, matches) {
  const found = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !SKIP.has(entry.name)) walk(path);
      else if (entry.isFile() && matches.test(entry.name)) found.push(relative(root, path).split(sep).join('/'));
    }
  };
  walk(root);
  return found.sort();
}

export const read = (root, path) => readFileSync(join(root, path), 'utf8');

export const lineOf = (text, index) => text.slice(0, index).split('\n').length;

/** SQL or C text with comments blanked out, so that line numbers stay. */
export function withoutComments(text, lineComment) {
  const pattern = lineComment === '--' ? /--[^\n]*|\/\*[\s\S]*?\*\//g : /\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(pattern, (c) => c.replace(/[^\n]/g, ' '));
}
