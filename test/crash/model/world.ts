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

/** As `hash:` of the pipeline says. */
export type Algorithm = 'sha256' | 'md5';

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
  readonly algorithm: Algorithm;
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

export const digest = (algorithm: Algorithm, text: string): string =>
  createHash(algorithm).update(text).digest('hex');

/** Names below a path and their texts, the name '' for a file; lockstep's own `.gitignore` files do not count. */
export function textsAt(files: Files, path: string): ReadonlyMap<string, string> {
  const file = files.get(path);
  if (file) return new Map([['', file.text]]);
  const below = [...files].filter(([name]) => name.startsWith(`${path}/`) && !name.endsWith('.gitignore'));
  const texts = below.map(([name, { text }]) => [name.slice(path.length + 1), text] as const);
  return new Map(texts.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What stands at a path, named as docs/lockfile.md says. */
export function thingAt(
  { files, algorithm }: Pick<World, 'files' | 'algorithm'>,
  path: string,
): Thing | undefined {
  const texts = textsAt(files, path);
  if (texts.size === 0) return undefined;
  const text = texts.get('');
  const hash = `${algorithm}:${digest(algorithm, text ?? manifestOf(texts, algorithm))}`;
  return text === undefined
    ? { hash: `${hash}.dir`, exec: false, files: texts }
    : { hash, exec: files.get(path)?.exec === true, files: texts };
}

export function manifestOf(texts: ReadonlyMap<string, string>, algorithm: Algorithm): string {
  const entries = [...texts].map(
    ([name, text]) => `{"${algorithm}": "${digest(algorithm, text)}", "relpath": "${name}"}`,
  );
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
