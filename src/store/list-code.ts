import { dirname, join } from 'node:path';
import { byCodeUnit } from '../base/path.ts';
import { readFolder, statIfExists } from '../io/files.ts';

/** Every file below a folder, absolute and sorted; `node_modules` and names that begin with a dot are left out. */
export function listCode(folder: string): readonly string[] {
  const files: string[] = [];
  const open = [folder];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const entry of readFolder(next)) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const path = join(next, entry.name);
      if (entry.isDirectory()) open.push(path);
      else if (entry.isFile() || statIfExists(path)?.isFile() === true) files.push(path);
    }
  }
  return files.sort(byCodeUnit);
}

/**
 * The files a path with holes (`*`, each within one folder's name) may stand for; nothing else in it is special, nor is a
 * star in `home`, which is above it.
 */
export function matchCode(pattern: string, home: string): readonly string[] {
  const parts = pattern.slice(home.length).split('*');
  const matches = new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('[^/]*')}$`);
  return listCode(folderOf(pattern, home)).filter((path) => matches.test(path.slice(home.length)));
}

/** The folder that holds whatever a path with holes may stand for. */
export function folderOf(pattern: string, home: string): string {
  return dirname(`${pattern.slice(0, pattern.indexOf('*', home.length))}x`);
}
