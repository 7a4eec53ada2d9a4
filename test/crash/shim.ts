import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getEnvironmentData, isMainThread, setEnvironmentData, threadId } from 'node:worker_threads';

/**
 * What happens at the n-th call that changes the disk. `kill-before` and `kill-after` end the process there with
 * SIGKILL; `torn` lets a write, a copy or a recursive removal do half of its work first; `fault` fails the call with a
 * code; `short` lets a write take half of its bytes and say so; `interrupt` sends SIGINT, as a Ctrl-C does, and lets the call
 * go on.
 */
export type ShimMode = 'count' | 'kill-before' | 'kill-after' | 'torn' | 'fault' | 'short' | 'interrupt';

/** What the preloaded shim is told, as JSON in `LOCKSTEP_SHIM`. */
export interface ShimOrder {
  readonly mode: ShimMode;
  /** Counts from 1, over all threads of the process. */
  readonly at: number;
  /** For `fault`. */
  readonly code?: string;
  /** For `interrupt`: how many signals. */
  readonly times?: number;
  /**
   * Each counted call (`count`), or the one that met its fault or its signal, is added as a line `<thread> <name> <path>`;
   * a move or a copy has its source behind a tab.
   */
  readonly log?: string;
  /** Only these names of functions are counted, without `Sync`. */
  readonly only?: readonly string[];
  /** Only calls of which path or source has this text are counted. */
  readonly where?: string;
  /** Calls that read files of the project are counted, instead of those that change the disk. */
  readonly reads?: true;
  /** With `count`: a flush is told when it has ended well, not when it begins. */
  readonly flushesAtEnd?: true;
  /** Every flush of a whole file system fails, uncounted, as where there is no `sync -f`. */
  readonly noSync?: true;
}

type Callable = (...args: readonly unknown[]) => unknown;
type Table = Record<string, Callable>;

/** Names of functions that change something; `open` only does so with flags for writing. `syncfs` is a child process. */
const CHANGING =
  'open write writev writeFile appendFile rename link symlink unlink rm mkdir mkdtemp rmdir chmod fchmod lchmod copyFile cp fsync fdatasync truncate ftruncate utimes futimes lutimes chown fchown lchown'.split(
    ' ',
  );

/** Names of functions that read; `open` with flags for reading only. */
const READING = ['open', 'read', 'readv', 'readFile', 'readdir'];

/** What a call is about: its target, and of a move or a copy its source. */
interface About {
  readonly path: string;
  readonly from?: string;
}

const text = process.env['LOCKSTEP_SHIM'];
// Threads inherit the preload, and by way of this the counter.
const COUNTER = 'lockstep-shim';
if (text !== undefined) {
  if (isMainThread) setEnvironmentData(COUNTER, new SharedArrayBuffer(4));
  install(JSON.parse(text) as ShimOrder, new Int32Array(getEnvironmentData(COUNTER) as SharedArrayBuffer));
}

function install(order: ShimOrder, counter: Int32Array): void {
  const real = { ...fs } as unknown as Table;
  const call = (name: string, ...args: readonly unknown[]): unknown => real[name]?.(...args);
  const paths = new Map<number, string>();
  const table = fs as unknown as Table;
  const promises = fs.promises as unknown as Table;
  const reads = order.reads === true;
  const root = `${process.cwd()}/`;

  /** True when this call is the one that something is to happen at. */
  function meets(name: string, args: readonly unknown[]): boolean {
    if (name === 'open' && isForWriting(args[1]) === reads) return false;
    if (typeof args[0] === 'number' && args[0] <= 2) return false;
    if (order.only && !order.only.includes(name)) return false;
    const about = aboutOf(name, args);
    // The engine's own modules are read through the same functions.
    if (reads && (!about.path.startsWith(root) || about.path.includes('/node_modules/'))) return false;
    if (order.where !== undefined && !`${about.path}\t${about.from ?? ''}`.includes(order.where))
      return false;
    const count = Atomics.add(counter, 0, 1) + 1;
    if (order.mode === 'count' && !isToldAtEnd(name)) tell(name, about);
    if (order.mode === 'count' || count !== order.at) return false;
    if (order.mode !== 'interrupt') return true;
    tell(name, about);
    for (let time = 0; time < (order.times ?? 1); time++) process.kill(process.pid, 'SIGINT');
    return false;
  }

  /** Blocking flushes are told at their end too: nothing happens between. */
  function isToldAtEnd(name: string): boolean {
    return order.flushesAtEnd === true && /^(fsync|fdatasync|syncfs)$/.test(name);
  }

  /** Tells a flush of which it is known only now what it was worth. */
  function tellEnd(name: string, args: readonly unknown[]): () => void {
    const about = aboutOf(name, args);
    return () => {
      if (isToldAtEnd(name)) tell(name, about);
    };
  }

  function aboutOf(name: string, args: readonly unknown[]): About {
    if (typeof args[0] === 'number') return { path: paths.get(args[0]) ?? '?' };
    const [first, second] = args.map(pathText);
    return /^(rename|link|symlink|copyFile|cp)$/.test(name)
      ? { path: second ?? '?', from: first ?? '?' }
      : { path: first ?? '?' };
  }

  function tell(name: string, { path, from }: About): void {
    if (order.log === undefined) return;
    const fd = call('openSync', order.log, 'a');
    call('writeSync', fd, `${threadId} ${name} ${path}${from === undefined ? '' : `\t${from}`}\n`);
    call('closeSync', fd);
  }

  function die(): never {
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way; nothing more may happen here.
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }

  /** Half of what a call would do, where half can be done. */
  function half(name: string, args: readonly unknown[]): void {
    if (name === 'write' || name === 'writeFile' || name === 'appendFile') {
      const bytes = toBytes(args[1]);
      const part = bytes.subarray(0, bytes.length >> 1);
      if (typeof args[0] === 'number') call('writeSync', args[0], part);
      else call(name === 'appendFile' ? 'appendFileSync' : 'writeFileSync', args[0], part);
    } else if (name === 'copyFile') {
      const bytes = call('readFileSync', args[0]) as Buffer;
      call('writeFileSync', args[1], bytes.subarray(0, bytes.length >> 1), { flag: 'wx' });
    } else if (name === 'rm' && isFolder(args[0])) {
      const names = call('readdirSync', args[0]) as string[];
      for (const one of names.slice(0, Math.ceil(names.length / 2)))
        call('rmSync', join(String(args[0]), one), { recursive: true, force: true });
    }
  }

  function isFolder(path: unknown): boolean {
    const stat = call('lstatSync', path, { throwIfNoEntry: false }) as fs.Stats | undefined;
    return stat?.isDirectory() === true;
  }

  /** Kills, fails, or gives back the short count; `undefined` when the call goes on as usual. */
  function before(
    name: string,
    args: readonly unknown[],
  ): { readonly error?: Error; readonly wrote?: number } | undefined {
    if (order.mode === 'kill-before') die();
    if (order.mode === 'torn') {
      half(name, args);
      die();
    }
    if (order.mode === 'kill-after') return undefined;
    tell(name, aboutOf(name, args));
    if (order.mode === 'short') {
      if (name !== 'write') return { error: fault(name, args, 'ENOSPC') };
      const bytes = toBytes(args[1]).subarray(typeof args[2] === 'number' ? args[2] : 0);
      const part = bytes.subarray(0, Math.max(1, bytes.length >> 1));
      return { wrote: call('writeSync', args[0], part) as number };
    }
    if (name === 'writeFile' || name === 'appendFile') half(name, args);
    return { error: fault(name, args, order.code ?? 'EIO') };
  }

  function fault(syscall: string, args: readonly unknown[], code: string): Error {
    const path = typeof args[0] === 'number' ? undefined : String(args[0]);
    return Object.assign(new Error(`${code}: injected, ${syscall} '${path ?? ''}'`), {
      code,
      syscall,
      errno: -1,
      ...(path !== undefined && { path }),
    });
  }

  function sync(name: string, original: Callable): Callable {
    return (...args) => {
      if (!meets(name, args)) {
        const result = remember(name, args, original(...args));
        tellEnd(name, args)();
        return result;
      }
      const met = before(name, args);
      if (met?.error) throw met.error;
      if (met?.wrote !== undefined) return met.wrote;
      const result = remember(name, args, original(...args));
      die();
      return result;
    };
  }

  function remember(name: string, args: readonly unknown[], result: unknown): unknown {
    if (name === 'open' && typeof result === 'number') paths.set(result, String(args[0]));
    return result;
  }

  function withCallback(name: string, original: Callable): Callable {
    return (...args) => {
      const done = args.at(-1) as Callable;
      if (!meets(name, args)) {
        const end = tellEnd(name, args);
        return original(
          ...args.slice(0, -1),
          (error: unknown, result: unknown, ...rest: readonly unknown[]) => {
            if (!error) {
              remember(name, args, result);
              end();
            }
            done(error, result, ...rest);
          },
        );
      }
      const met = before(name, args);
      if (met?.error) return process.nextTick(done, met.error);
      if (met?.wrote !== undefined) return process.nextTick(done, null, met.wrote, args[1]);
      return original(...args.slice(0, -1), die);
    };
  }

  function promised(name: string, original: Callable): Callable {
    return async (...args) => {
      if (!meets(name, args)) {
        const result = await original(...args);
        if (name === 'open') watchHandle(result as Table, String(args[0]));
        return result;
      }
      const met = before(name, args);
      if (met?.error) throw met.error;
      await original(...args);
      return die();
    };
  }

  function watchHandle(handle: Table, path: string): void {
    paths.set(handle['fd'] as unknown as number, path);
    const names = reads
      ? READING
      : ['write', 'writeFile', 'appendFile', 'truncate', 'sync', 'datasync', 'chmod'];
    for (const name of names) {
      const original = handle[name]?.bind(handle);
      if (!original) continue;
      const known = name === 'sync' ? 'fsync' : name === 'datasync' ? 'fdatasync' : name;
      handle[name] = async (...args) => {
        const named = [handle['fd'] as unknown, ...args];
        if (!meets(known, named)) {
          const end = tellEnd(known, named);
          const result = await original(...args);
          end();
          return result;
        }
        const met = before(known, named);
        if (met?.error) throw met.error;
        if (met?.wrote !== undefined) return { bytesWritten: met.wrote, buffer: args[0] };
        await original(...args);
        return die();
      };
    }
  }

  /** One flush of a whole file system, which the engine has a child process do. */
  function watchSync(): void {
    const processes = process.getBuiltinModule('node:child_process') as unknown as Table;
    const original = processes['execFile'] as Callable;
    processes['execFile'] = (...args) => {
      const [command, options, done] = args as [unknown, readonly unknown[], Callable];
      if (command !== 'sync') return original(...args);
      if (order.noSync) return process.nextTick(done, fault('syncfs', [options[1]], 'ENOENT'));
      if (!meets('syncfs', [options[1]])) {
        const end = tellEnd('syncfs', [options[1]]);
        return original(command, options, (error: unknown) => {
          if (!error) end();
          done(error);
        });
      }
      const met = before('syncfs', [options[1]]);
      if (met?.error) return process.nextTick(done, met.error);
      return original(command, options, die);
    };
  }

  if (!reads) watchSync();
  for (const name of reads ? READING : CHANGING) {
    const one = real[`${name}Sync`];
    if (one) table[`${name}Sync`] = sync(name, one);
    const other = real[name];
    if (other) table[name] = withCallback(name, other);
    const third = promises[name]?.bind(promises);
    if (third) promises[name] = promised(name, third);
  }
  syncBuiltinESMExports();
}

function isForWriting(flags: unknown): boolean {
  if (typeof flags === 'string') return /[wa+]/.test(flags);
  return typeof flags === 'number' && (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;
}

function pathText(value: unknown): string {
  return value instanceof URL ? fileURLToPath(value) : String(value);
}

function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return Buffer.from(String(value));
}
