import type { Readable } from 'node:stream';
import { EXIT, PipelineError } from './error.ts';
import type { ContentHash, Json, Location } from './types.ts';

/** The schemes of the urls of remotes; a url without one is a folder. */
export const SCHEMES = ['gs', 'gdrive', 's3', 'azure', 'http', 'https'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** One remote as `remotes.yaml` has it, `${env:…}` filled in. */
export interface RemoteConfig {
  readonly name: string;
  /** `gs://bucket/prefix`, `s3://…`, `azure://…`, `gdrive://folder-id/path`, `http(s)://…`, or an absolute folder. */
  readonly url: string;
  /** Every key besides `url`. */
  readonly options: Readonly<Record<string, Json>>;
  /** The values that came from the environment; they are redacted wherever text leaves the program. */
  readonly secrets?: readonly string[];
  readonly at: Location;
  readonly proxies?: Proxies;
}

/** The proxies that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`; small letters win, as in curl). */
export interface Proxies {
  /** The variables that are set, for what makes connections. */
  readonly env: Readonly<Record<string, string>>;
  /** The proxy before the remote's own server, for telling: which variable names it, and its url without user and password. */
  readonly used?: { readonly variable: string; readonly url: string };
  /** Passwords in their urls. */
  readonly secrets: readonly string[];
}

/** Bytes on their way to a remote. */
export interface Body {
  readonly size: number;
  /** A local file with these bytes, for remotes that can copy it faster than a stream. */
  readonly file?: string;
  /** What the bytes hash to; whoever reads them from `file` checks it (`transfer.changed` when they do not). */
  readonly hash?: ContentHash;
  /** To be told by whoever reads them from `file`: how many bytes of it have been read. */
  readonly noteRead?: (bytes: number) => void;
  /** Opens the bytes from their start, as often as asked: so that a retry sends the same bytes. */
  open(): Readable;
}

/** An object and its length in bytes; no manifest. */
export interface SizedObject {
  readonly hash: ContentHash;
  readonly size: number;
}

/**
 * Bytes from a remote: a stream, or a local file for the receiver to copy and hash. `from`: the byte of the object that the
 * stream begins with, 0 without it. `type`: what the server calls them (`Content-Type`), where it says so.
 */
export type Source = SourceStream | SourceFile;
export interface SourceFile {
  readonly file: string;
  /** What the receiver's system errors in reading it mean: they are the remote's, not this machine's. */
  readonly faultOf: (error: unknown) => unknown;
}
export interface SourceStream {
  readonly stream: Readable;
  readonly from?: number;
  readonly type?: string | undefined;
}

export interface RemoteEntry {
  readonly key: string;
  readonly size: number;
}

export interface PutObjectsOptions {
  readonly signal: AbortSignal;
  /** Where an object's bytes are. */
  readonly fileOf: (hash: ContentHash) => string;
  readonly stored: (some: readonly SizedObject[]) => void;
}

/**
 * A place that holds bytes by key (`files/sha256/ab/cdef…`, `runs/…`). Failures are `PipelineError`s with the code
 * `remote.…`; the remote itself says by `retryable` (and `retryAfterMs`) whether another try may help.
 */
export interface Remote {
  readonly limits: {
    /** How many requests may be under way at once. */
    readonly concurrency: number;
    readonly readOnly?: true;
    /** It cannot list; presence is asked per key. */
    readonly listless?: true;
    /** So many objects come with each request of a listing; absent where all come before the first is given. */
    readonly page?: number;
  };
  /** Size of the object; `undefined` when it is not there. */
  head(key: string, signal: AbortSignal): Promise<{ readonly size: number } | undefined>;
  /**
   * Throws `remote.object-missing` when it is not there. `from`, below its size: the bytes before it are not wanted; a remote
   * that gives them all the same leaves `from` out of the source.
   */
  get(key: string, signal: AbortSignal, from?: number): Promise<Source>;
  /** Replaces or creates; the object is there (after `flush`, where there is one) only with its last byte. */
  put(key: string, body: Body, signal: AbortSignal): Promise<void>;
  /**
   * Stores many objects at once, hashed on the way, where that is faster than one by one; `stored` is told of some at a
   * time. What cannot be stored is left out without a word: `put` says why, and tries again where that may help.
   */
  putObjects?(objects: readonly SizedObject[], options: PutObjectsOptions): Promise<void>;
  /**
   * Sizes of those of the objects that are there: on remotes where asking for each costs no more than a listing. Fails
   * with whatever went wrong; `list` and `head` tell it as the remote's own error.
   */
  sizesOf?(hashes: Iterable<ContentHash>): ReadonlyMap<ContentHash, number>;
  /** The local file that has, or would have, the bytes of a key: on remotes that are folders. */
  fileOf?(key: string): string;
  /** Removing what is not there is no error. */
  remove(key: string, signal: AbortSignal): Promise<void>;
  /** Every object whose key begins with the prefix, in any order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<RemoteEntry>;
  /** Makes all that was put visible and durable. Remotes without it are so when `put` resolves. */
  flush?(signal: AbortSignal): Promise<void>;
  close?(): Promise<void>;
}

/** A push believes the size of what is there, so it sends nothing over a damaged object of the right one. */
export const CORRUPT_HINT: string =
  'delete it there, then run "lockstep push" on a machine that has it; "lockstep verify --remote NAME --read-data" finds all such objects';

/** The error for an object whose bytes came and are not what its name says. */
export function corruptObject(hash: ContentHash): PipelineError {
  return new PipelineError(
    'remote.corrupt',
    `the remote's object ${hash} has other bytes than its name says; it was refused`,
    { exit: EXIT.failed, hint: CORRUPT_HINT },
  );
}

/** Calls again, after a wait, what failed with an error that says `retryable`; the last error passes. */
export type TryAgain = <T>(signal: AbortSignal, call: () => Promise<T>) => Promise<T>;

/** What a remote is opened with besides its configuration. */
export interface RemoteTools {
  /** Each operation as a whole is tried again by the caller; this is for steps of one that would lose much if it began anew. */
  readonly tryAgain: TryAgain;
  /** Keeps a credential that is no option, such as an access token, out of whatever is told from here on. */
  readonly learn: (secret: string) => void;
}

/** The default export of a file in `remotes/`. */
export type OpenRemote = (config: RemoteConfig, tools: RemoteTools) => Promise<Remote>;
