import type { Location } from '../base/types.ts';
import type { Report } from './report.ts';
import { parseSource } from './source.ts';
import type { MapTree, Tree } from './tree.ts';

/** Gives the bytes of a file by its path relative to the project root; `undefined` when there is none. */
export type Load = (path: string) => Uint8Array | undefined;

/** The files of one reading: each is loaded and parsed once, and every one asked for is remembered. */
export interface Files {
  exists(file: string): boolean;
  /** The parsed file; `undefined` when it is missing or broken beyond use. */
  tree(file: string): Tree | undefined;
  /**
   * A file of parameters as a map; empty for an empty file. `undefined` with a problem at `at`, where it is named, when it is missing
   * (`params.missing-file`), of an unknown format (`params.format`) or no map (`params.not-a-map`).
   */
  params(file: string, at?: Location): MapTree | undefined;
  /** The files that were asked for as parameters, each with the place that first names it. */
  named(): ReadonlyMap<string, Location | undefined>;
  consulted(): readonly string[];
}

/** The files of one reading, loaded by `load`; faults of their text go to the report. */
export function createFiles(load: Load, report: Report): Files {
  const bytes = new Map<string, Uint8Array | undefined>();
  const trees = new Map<string, Tree | undefined>();
  const named = new Map<string, Location | undefined>();

  function read(file: string): Uint8Array | undefined {
    if (!bytes.has(file)) bytes.set(file, load(file));
    return bytes.get(file);
  }

  function tree(file: string): Tree | undefined {
    if (!trees.has(file)) {
      const content = read(file);
      trees.set(file, content && parseSource(file, content, report));
    }
    return trees.get(file);
  }

  return {
    exists: (file) => read(file) !== undefined,
    tree,
    params(file, at) {
      if (!named.has(file)) named.set(file, at);
      const fault = formatFault(file);
      if (fault) {
        report.add('params.format', fault.message, { at: at ?? [], hint: fault.hint });
        return undefined;
      }
      if (read(file) === undefined) {
        report.add('params.missing-file', `the params file "${file}" does not exist`, {
          at: at ?? [],
          hint: 'create it, or correct the path',
        });
        return undefined;
      }
      const found = tree(file);
      if (found === undefined || found.kind === 'map') return found;
      if (found.kind === 'scalar' && found.value === null)
        return { kind: 'map', entries: new Map(), at: found.at };
      report.add('params.not-a-map', `"${file}" does not hold a map of parameters`, {
        at: at ? [found.at, at] : found.at,
        hint: 'write "key: value" lines',
      });
      return undefined;
    },
    named: () => named,
    consulted: () => [...bytes.keys()],
  };
}

function formatFault(file: string): { message: string; hint: string } | undefined {
  const suffix = /\.([^./]+)$/.exec(file)?.[1]?.toLowerCase();
  if (suffix === 'yaml' || suffix === 'yml' || suffix === 'json') return undefined;
  const which = suffix === undefined ? 'a file without a suffix' : `.${suffix} files`;
  return { message: `parameters cannot be read from ${which}: "${file}"`, hint: 'use .yaml, .yml or .json' };
}
