import { dirname, resolve } from 'node:path';

/** System calls that change the disk, by what they do. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  open: ['open', 'openat', 'creat'],
  write: ['write', 'pwrite64', 'writev', 'pwritev', 'copy_file_range', 'sendfile'],
  rename: ['rename', 'renameat', 'renameat2'],
  link: ['link', 'linkat'],
  symlink: ['symlink', 'symlinkat'],
  unlink: ['unlink', 'unlinkat'],
  rmdir: ['rmdir'],
  mkdir: ['mkdir', 'mkdirat'],
  chmod: ['chmod', 'fchmod', 'fchmodat', 'fchmodat2'],
  fsync: ['fsync', 'fdatasync'],
  truncate: ['truncate', 'ftruncate'],
};

/** What strace is to trace; a call that a processor does not have is left out. */
export const TRACED: string = ['execve', ...Object.values(KINDS).flat()].map((name) => `?${name}`).join(',');

/** A system call as strace tells it. */
export interface KernelCall {
  /** A key of `KINDS`. */
  readonly kind: string;
  /** What it changes, absolute. */
  readonly path: string;
  readonly ok: boolean;
  readonly line: string;
}

/**
 * The calls by which a process, in any of its threads, asked for a change of a folder or below it; not those of the processes that
 * it started, nor of SQLite. `log` is that of `strace -f -y`.
 */
export function kernelCalls(log: string, root: string): readonly KernelCall[] {
  const lines = whole(log);
  const [first] = lines;
  // What another program does is not ours; its threads hardly touch a file.
  const others = new Set(lines.filter(({ text }) => text.startsWith('execve(')).map(({ pid }) => pid));
  if (first) others.delete(first.pid);
  return lines
    .filter(({ pid }) => !others.has(pid))
    .flatMap(({ text }) => read(text, root) ?? [])
    .filter(({ path }) => (path === root || path.startsWith(`${root}/`)) && !/\.mutex(-\w+)?$/.test(path));
}

/** Lines of which another thread's call had cut one in two are joined again. */
function whole(log: string): readonly { readonly pid: string; readonly text: string }[] {
  const begun = new Map<string, string>();
  return log.split('\n').flatMap((line) => {
    const [, pid = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, head] = /^(.*) <unfinished \.\.\.>$/.exec(text) ?? [];
    if (head !== undefined) {
      begun.set(pid, head);
      return [];
    }
    const [, tail] = /^<\.\.\. \w+ resumed>(.*)$/.exec(text) ?? [];
    return text === '' ? [] : [{ pid, text: tail === undefined ? text : `${begun.get(pid) ?? ''}${tail}` }];
  });
}

function read(text: string, root: string): KernelCall | undefined {
  const [, name = '', rest = ''] = /^(\w+)\((.*)$/.exec(text) ?? [];
  const kind = Object.keys(KINDS).find((one) => KINDS[one]?.includes(name));
  if (kind === undefined) return undefined;
  if (kind === 'open' && !/O_WRONLY|O_RDWR|O_CREAT/.test(rest) && name !== 'creat') return undefined;
  const path = pathOf(name, rest, root);
  const isFolder = rest.includes('AT_REMOVEDIR');
  return { kind: isFolder ? 'rmdir' : kind, path, ok: !/ = -1 /.test(rest), line: text };
}

/** The last path among the arguments is the target; a name alone is below the folder that stands before it. */
function pathOf(name: string, rest: string, root: string): string {
  // These have a file that is open, and bytes that may look like a path.
  const opened = [...rest.matchAll(/\d+<(\/[^>]*)>/g)].map(([, path]) => path ?? '');
  if (/^(p?writev?(64)?|fchmod|f(data)?sync|ftruncate)$/.test(name)) return opened[0] ?? '';
  if (/^(copy_file_range|sendfile)$/.test(name)) return opened[name === 'sendfile' ? 0 : 1] ?? '';
  const names = [...rest.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)];
  const [, folder, path = ''] = names.at(-1) ?? [];
  return resolve(folder ?? root, path);
}

/** The shim's calls that may have asked for a kernel's call. */
const CAUSES: Readonly<Record<string, RegExp>> = {
  open: /^(open|writeFile|appendFile|copyFile|cp)$/,
  write: /^(write|writev|writeFile|appendFile|copyFile|cp)$/,
  rename: /^rename$/,
  link: /^link$/,
  symlink: /^symlink$/,
  // A copy that fails takes its target away.
  unlink: /^(unlink|rm|copyFile)$/,
  rmdir: /^(rmdir|rm)$/,
  mkdir: /^(mkdir|mkdtemp)$/,
  chmod: /^([fl]?chmod|copyFile|cp)$/,
  fsync: /^(fsync|fdatasync)$/,
  truncate: /^(f?truncate|open|writeFile|copyFile)$/,
};

/** What the kernel did and the shim saw nothing of; `calls` as in `Stage`. */
export function unseenCalls(kernel: readonly KernelCall[], calls: readonly string[]): readonly string[] {
  const seen = calls.map((call) => {
    const [, name = '', path = ''] = /^(\w+) ([^\t]*)/.exec(call) ?? [];
    return { name, path: resolve(path) };
  });
  return kernel
    .filter(({ kind, path, ok }) => {
      const isCause = (one: { readonly name: string; readonly path: string }): boolean =>
        CAUSES[kind]?.test(one.name) === true &&
        (one.path === path ||
          (one.name === 'rm' && isAbove(one.path, path)) ||
          (one.name === 'mkdir' && isAbove(path, one.path)));
      return ok && !seen.some(isCause);
    })
    .map(({ line }) => line);
}

function isAbove(folder: string, path: string): boolean {
  for (let one = dirname(path); one !== '/'; one = dirname(one)) if (one === folder) return true;
  return false;
}
