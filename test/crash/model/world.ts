import { createHash } from 'node:crypto';

/**
 * A naive model of what docs/stages.md promises: a stage is a pure function of what it reads, equal inputs are fresh, inputs
 * that were seen before bring their results back, everything else runs. It knows whole texts and no files, and nothing of the
 * engine.
 */

export interface File {
  readonly text: string;
  readonly exec: boolean;
}

/** Path → what is there. */
export type Files = ReadonlyMap<string, File>;

/** What stands at a path: a file (under the name ''), or a folder's files. */
export interface Thing {
  readonly hash: string;
  readonly exec: boolean;
  readonly files: ReadonlyMap<string, string>;
}

export interface Out {
  readonly path: string;
  readonly persist: boolean;
  readonly cache: boolean;
}

export interface Stage {
  readonly name: string;
  /** All that its fingerprint holds beside deps and outs. */
  readonly identity: string;
  readonly deps: readonly string[];
  readonly outs: readonly Out[];
  /** Its command notes that it ran. */
  readonly isNoted: boolean;
  /** It writes its outs and then ends with an error. */
  readonly fails: boolean;
  readonly policy: 'usual' | 'frozen' | 'always';
  /** Path → text of every file of its outs. */
  readonly make: (files: Files) => ReadonlyMap<string, string>;
}

/** What is recorded of a stage. */
export interface Result {
  readonly key: string;
  /** It went on from its old outs, so it is not that of its key alone. */
  readonly persists: boolean;
  readonly deps: ReadonlyMap<string, string>;
  readonly outs: ReadonlyMap<string, Thing>;
}

export interface Lock {
  readonly stages: ReadonlyMap<string, Result>;
  readonly data: ReadonlyMap<string, Thing>;
}

export const EMPTY: Lock = { stages: new Map(), data: new Map() };

/** A project at one moment. */
export interface World {
  /** Each after what it reads from. */
  readonly stages: readonly Stage[];
  readonly data: readonly string[];
  readonly files: Files;
  readonly lock: Lock;
  /** Results by their keys. */
  readonly runs: ReadonlyMap<string, Result>;
  /** Tracked inputs as they last were what the lock said. */
  readonly stood: ReadonlyMap<string, string>;
  /** Whether the cache has all objects of a thing, by name. */
  readonly has: (thing: Thing) => boolean;
  /** Whether these hold what their names say. */
  readonly isWhole: (thing: Thing) => boolean;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What stands at a path, named as docs/lockfile.md says; lockstep's own `.gitignore` files do not count. */
export function thingAt(files: Files, path: string): Thing | undefined {
  const file = files.get(path);
  if (file)
    return { hash: `sha256:${sha256(file.text)}`, exec: file.exec, files: new Map([['', file.text]]) };
  const below = [...files.keys()].filter(
    (name) => name.startsWith(`${path}/`) && !name.endsWith('.gitignore'),
  );
  if (below.length === 0) return undefined;
  const relative = below.map((name) => name.slice(path.length + 1)).sort();
  const texts = new Map(relative.map((name) => [name, files.get(`${path}/${name}`)?.text ?? '']));
  return { hash: `sha256:${sha256(manifestOf(texts))}.dir`, exec: false, files: texts };
}

export function manifestOf(texts: ReadonlyMap<string, string>): string {
  const entries = [...texts].map(([name, text]) => `{"sha256": "${sha256(text)}", "relpath": "${name}"}`);
  return `[${entries.join(', ')}]`;
}

export const areSame = (one: Thing | undefined, other: Thing | undefined): boolean =>
  one?.hash === other?.hash && one?.exec === other?.exec;

/** The files with something else at a path; with nothing there for `undefined`. */
export function placed(files: Files, path: string, thing: Thing | undefined): Files {
  const kept = [...files].filter(([name]) => name !== path && !name.startsWith(`${path}/`));
  const made = [...(thing?.files ?? [])].map(([name, text]): [string, File] => [
    name === '' ? path : `${path}/${name}`,
    { text, exec: thing?.exec === true },
  ]);
  return new Map([...kept, ...made]);
}
