import { dirname } from 'node:path';

/** What would be on the disk if the power went now, as far as the calls tell: bytes by fsync, names by that of folders. */
export interface Disk {
  see(call: string): void;
  /** True when the file's bytes and its name were flushed since they last changed. */
  isSafe(path: string): boolean;
  /** True when a name was flushed since something got it. */
  isNamed(path: string): boolean;
}

/** A call as the shim tells it: its name, its target, and of a move or a copy its source. */
export function parseCall(call: string): { readonly name: string; readonly path: string; from?: string } {
  const [, name = '', path = '', from] = /^(\w+) ([^\t]*)(?:\t(.*))?$/.exec(call) ?? [];
  return { name, path, ...(from !== undefined && { from }) };
}

export function createDisk(): Disk {
  const known = new Set<string>();
  const flushed = new Set<string>();
  const unnamed = new Set<string>();
  const isNamed = (path: string): boolean =>
    !unnamed.has(path) && (dirname(path) === path || isNamed(dirname(path)));
  /** What is in a folder moves with it. */
  const moveBelow = (from: string, to: string): void => {
    for (const set of [known, flushed, unnamed])
      for (const one of set) if (one.startsWith(`${from}/`)) set.add(to + one.slice(from.length));
  };
  return {
    see(call) {
      const { name, path, from } = parseCall(call);
      if (from !== undefined) moveBelow(from, path);
      if (from !== undefined || (name === 'open' && !known.has(path))) unnamed.add(path);
      known.add(path);
      if (name === 'syncfs') {
        for (const one of known) flushed.add(one);
        unnamed.clear();
      } else if (name === 'fsync' || name === 'fdatasync') {
        flushed.add(path);
        for (const one of unnamed) if (dirname(one) === path) unnamed.delete(one);
      } else if (name === 'open' || /^(write|append|f?trunc|copyFile)/.test(name)) flushed.delete(path);
      else if (from !== undefined) {
        if (flushed.has(from)) flushed.add(path);
        else flushed.delete(path);
      }
    },
    isSafe: (path) => flushed.has(path) && isNamed(path),
    isNamed,
  };
}
