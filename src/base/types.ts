/** A path relative to the project root: `/` separators, no `.`, `..` or empty parts, never absolute. */
export type RelPath = string & { readonly __relPath: true };

/** The resolved name of a stage; `foreach` and `matrix` instances read `stage@value`. */
export type StageName = string & { readonly __stageName: true };

export type HashAlgorithm = 'sha256' | 'md5';

/** Algorithm and hex digest travel together; a directory's hash (of its manifest) ends in `.dir`, as in DVC. */
export type ContentHash = `${HashAlgorithm}:${string}`;

/** What YAML and JSON can say. An integer that a double cannot hold is a `bigint` and keeps its digits. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Where a value stands in a file the user wrote. Lines and columns count from 1, columns in UTF-16 units. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Length of the value on its first line, at least 1: the caret's width. */
  readonly length: number;
}

export interface ModuleAction {
  readonly kind: 'module';
  readonly path: RelPath;
  /** Where the path is written. */
  readonly at: Location;
  /** `false` runs the module without Node's permission model. */
  readonly hermetic: boolean;
  /** What the permission model is told to let through, sorted. */
  readonly allow: readonly ('addons' | 'processes' | 'workers')[];
}

export interface ShellAction {
  readonly kind: 'shell';
  /** As written: one string, or a list run item by item. */
  readonly cmd: string | readonly string[];
  /** Working directory of the command, relative to the project root; `.` is the root. */
  readonly wdir: RelPath | '.';
}

export type Action = ModuleAction | ShellAction;

export interface Dep {
  /** The key under `deps:` when they are a map: the module says `deps.<name>`. */
  readonly name?: string;
  readonly path: RelPath;
  readonly at: Location;
}

/** One selected parameter: `key` is the dotted path, `null` when the whole file is tracked. */
export interface ParamRef {
  readonly file: RelPath;
  readonly key: string | null;
  readonly value: Json;
  readonly at: Location;
}

export interface Out {
  readonly name?: string;
  readonly path: RelPath;
  /** Declared with a trailing `/`: a folder, which exists (empty) when the stage starts. */
  readonly folder: boolean;
  readonly cache: boolean;
  readonly persist: boolean;
  readonly push: boolean;
  readonly remote?: string;
  readonly metric: boolean;
  readonly at: Location;
}

/** Time as an input. `asOf` is `now` or a date, which means the end of that day in the schedule's zone. */
export type Refresh = { readonly asOf: string; readonly at: Location } & (
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'cron'; readonly cron: string; readonly tz: string }
  | { readonly kind: 'session'; readonly exchange: string; readonly delayMs: number }
);

export interface Gate {
  readonly out: RelPath;
  /** Dotted path of the number inside the metric file. */
  readonly key: string;
  readonly min?: number;
  readonly max?: number;
  readonly equals?: Json;
  readonly at: Location;
}

export interface Retry {
  /** Attempts in all, the first one included. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
}

/** What steers a stage's execution and can never change its outs; not fingerprinted. */
export interface Policy {
  readonly frozen: boolean;
  readonly always: boolean;
  readonly retry: Retry;
  readonly timeoutMs?: number;
  readonly pool?: string;
  readonly gates: readonly Gate[];
}

export interface Stage {
  readonly name: StageName;
  readonly action: Action;
  readonly deps: readonly Dep[];
  readonly params: readonly ParamRef[];
  readonly outs: readonly Out[];
  readonly env: readonly string[];
  readonly secrets: readonly string[];
  readonly refresh?: Refresh;
  readonly policy: Policy;
  readonly at: Location;
}

/** A tracked input that no stage makes (`data:`; DVC's `add`). */
export interface DataInput {
  readonly path: RelPath;
  readonly push: boolean;
  readonly remote?: string;
  readonly at: Location;
}

export interface Pipeline {
  readonly name: string;
  readonly hash: HashAlgorithm;
  /** In the order of the file; instances of one template in their written order. */
  readonly stages: readonly Stage[];
  readonly data: readonly DataInput[];
  readonly pools: Readonly<Record<string, number>>;
}

/** A path with the hash of what is there. */
export interface Artifact {
  readonly path: RelPath;
  readonly hash: ContentHash;
  readonly kind: 'file' | 'tree';
  /** Bytes; of a tree, the sum of its files. */
  readonly size: number;
  /** Trees only: number of files. */
  readonly files?: number;
  /** Single files only: the owner's execute bit. */
  readonly exec?: boolean;
}

/** Everything that may change a stage's outs, and nothing else, as data. */
export interface Fingerprint {
  readonly action:
    | { readonly run: string; readonly hermetic?: false; readonly allow?: readonly string[] }
    | { readonly cmd: string | readonly string[]; readonly wdir?: string };
  /** What a module stage receives; raised only when that changes. */
  readonly api?: 1;
  readonly params: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly deps: readonly { readonly path: string; readonly hash: string; readonly name?: string }[];
  /** Import closure of a module: path → `ast1:<hex>` or, for files that are not code, a content hash. */
  readonly code?: Readonly<Record<string, string>>;
  /** One hash over name@version of the imported packages' closure. */
  readonly packages?: string;
  /** Name → SHA-256 of canonical `[name, value]`. */
  readonly env?: Readonly<Record<string, string>>;
  /** ISO 8601 instant. */
  readonly tick?: string;
  /** Declared folders end in `/`. */
  readonly outs: readonly { readonly path: string; readonly name?: string; readonly persist?: true }[];
}

/** The one record of a result: in the lockfile, the run cache and the history. */
export interface StageLock {
  readonly fingerprint: Fingerprint;
  readonly outs: readonly Artifact[];
  /** Text of the gates that held, e.g. `reports/fetch.json success_rate >= 0.8`, sorted. */
  readonly gates: readonly string[];
  /** Read from a lock whose checksum of it does not fit: a merge of two results, or an edit, and no result of any run. */
  readonly edited?: true;
}

export interface Lock {
  readonly stages: ReadonlyMap<string, StageLock>;
  readonly data: readonly Artifact[];
}
