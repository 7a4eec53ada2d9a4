import { guardedPart, joinRelative, relPathFault } from '../base/path.ts';
import type { RelPath } from '../base/types.ts';
import type { Report } from './report.ts';
import { type Text, textOf, type Tree } from './tree.ts';

/** A path of the project as it was read. */
export interface ReadPath {
  readonly path: RelPath;
  /** Written with a trailing `/`. */
  readonly folder: boolean;
  readonly text: Text;
}

/** What a path is to mean. */
export interface PathOptions {
  /** Folder the path is relative to; `.` is the project. */
  readonly wdir: string;
  /** What the path is, for messages: `out`, `dep`. */
  readonly what: string;
  /** The stage will write there. */
  readonly writes?: boolean;
}

/** Files the runner itself reads or writes at the project's root. */
const OWN_FILES: readonly string[] = ['pipeline.yaml', 'pipeline.lock', 'remotes.yaml'];

/** Lockstep adds lines to it, so that as an out it would never be what the stage made. */
const IGNORED = '.gitignore';

/**
 * A path of the project from a text that is relative to `wdir`; `./` and `..` are resolved, letters kept as written.
 * Problems: `path.absolute`, `path.url`, `path.outside`, `path.root`, `path.reserved` (writes only), `path.invalid`.
 */
export function readPath(tree: Tree | undefined, options: PathOptions, report: Report): ReadPath | undefined {
  const text = textOf(tree);
  if (text === undefined) return undefined;
  const path = joinRelative(options.wdir, text.value);
  const fault = findFault(text.value, path, options);
  if (fault) {
    report.add(fault.code, `the ${options.what} "${text.value}" ${fault.message}`, {
      at: text.at,
      hint: fault.hint,
    });
    return undefined;
  }
  return { path: path as RelPath, folder: text.value.endsWith('/'), text };
}

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

function findFault(text: string, path: string, { wdir, writes }: PathOptions): Fault | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(text)) {
    return {
      code: 'path.url',
      message: 'is a URL, and only files of the project can stand here',
      hint: 'let a stage download it, and name the file it writes',
    };
  }
  if (/^(\/|[A-Za-z]:|~)/.test(text)) {
    return {
      code: 'path.absolute',
      message: 'is absolute',
      hint: 'write it relative to the project, so that it holds on every machine',
    };
  }
  if (!text.isWellFormed()) return { code: 'path.invalid', message: 'contains half of a character' };
  if (text.includes('\\')) {
    return {
      code: 'path.invalid',
      message: 'contains a backslash',
      hint: `write "${text.replaceAll('\\', '/')}"`,
    };
  }
  if (path === '..' || path.startsWith('../')) {
    const from = wdir === '.' ? '' : ` (from wdir "${wdir}")`;
    return {
      code: 'path.outside',
      message: `leaves the project${from}`,
      hint: 'everything a stage reads and writes stands inside the project',
    };
  }
  if (path === '')
    return {
      code: 'path.root',
      message: 'is the project itself',
      hint: 'name the folders or files that are meant',
    };
  const reserved = reservedPart(path, writes ?? false);
  if (reserved !== undefined) return { code: 'path.reserved', message: reservedWords(reserved) };
  const other = relPathFault(path);
  return other === undefined ? undefined : { code: 'path.invalid', message: other };
}

function reservedWords(part: string): string {
  if (part === IGNORED) return 'is the file into which Lockstep writes what git is to leave alone';
  if (OWN_FILES.includes(part)) return 'is a file that the pipeline itself is made of';
  return `stands inside "${part}", which belongs to ${part.toLowerCase() === '.git' ? 'git' : 'Lockstep'}`;
}

function reservedPart(path: string, writes: boolean): string | undefined {
  if (!writes) return undefined;
  return (
    guardedPart(path) ??
    OWN_FILES.find((file) => file === path.toLowerCase()) ??
    (path.split('/').at(-1)?.toLowerCase() === IGNORED ? IGNORED : undefined)
  );
}
