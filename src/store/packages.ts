import { realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { sha256Hex } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import { readIfExists, statIfExists } from '../io/files.ts';
import { asMap, parsePackageJson } from './package-json.ts';

/** What managers of packages write at a project's root when they have installed some. */
export const INSTALLED: readonly string[] = [
  'package.json',
  'package-lock.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
];

/** What the fingerprint needs to know of an installed package. */
export interface PackageFacts {
  /** Real path of the package's folder. */
  readonly folder: string;
  /** Stat of its package.json: while it stands, the facts stand. Installers may give every file one mtime. */
  readonly stamp: string;
  readonly name: string;
  readonly version: string;
  readonly needs: readonly string[];
  /** Those of them without which it cannot be installed. */
  readonly requires: readonly string[];
  /** Not for every platform (`os`, `cpu` or `libc` in its package.json). */
  readonly platform: boolean;
}

/** Finds and reads installed packages, each once. */
export interface Packages {
  /** The package a bare specifier names, looked up from a folder as Node does; `undefined` when not installed. */
  find(specifier: string, fromFolder: string): PackageFacts | undefined;
  /** The packages and all they depend on. */
  closureOf(roots: Iterable<PackageFacts>): PackageClosure;
  /** Every path by which a package was found or looked for, links to it included: Node reads them all. */
  placesOf(facts: PackageFacts): readonly string[];
  /** The paths below `node_modules` that are links to a folder, and those where one was looked for before. */
  linksTo(folder: string): readonly string[];
  /** For keeping between runs. */
  facts(): Readonly<Record<string, PackageFacts>>;
}

export interface PackageClosure {
  readonly all: readonly PackageFacts[];
  /** Those that are there on each machine, and so are part of the fingerprint: not what one platform brings and others lack. */
  readonly everywhere: readonly PackageFacts[];
}

export function createPackages(known: Readonly<Record<string, PackageFacts>>): Packages {
  const byFolder = new Map<string, PackageFacts | undefined>();
  const places = new Map<string, Set<string>>();
  /** Of each `node_modules`, where it is one. */
  const realPaths = new Map<string, string | undefined>();

  function read(folder: string): PackageFacts | undefined {
    if (byFolder.has(folder)) return byFolder.get(folder);
    const file = join(folder, 'package.json');
    const stat = statIfExists(file);
    let facts: PackageFacts | undefined;
    if (stat) {
      const stamp = `${stat.ino}-${stat.size}-${stat.mtimeMs}-${stat.ctimeMs}`;
      const old = known[folder];
      facts = old?.stamp === stamp ? old : parse(folder, stamp, readIfExists(file) ?? Buffer.of());
    }
    byFolder.set(folder, facts);
    return facts;
  }

  /** Where a package is, as Node looks for it from a folder, and where Node looks on its way: in every `node_modules` that there is. */
  function search(
    specifier: string,
    fromFolder: string,
  ): { readonly real?: string; readonly tried: readonly string[] } {
    const name = packageName(specifier);
    const tried: string[] = [];
    for (let folder = fromFolder; ; folder = dirname(folder)) {
      const modules = join(folder, 'node_modules');
      const real = folder.endsWith(`${sep}node_modules`) ? undefined : realOf(modules);
      if (real !== undefined) {
        const candidate = join(modules, name);
        // Where it is a link, what is linked in it is asked for by both names.
        tried.push(candidate, join(real, name));
        if (statIfExists(candidate)) return { real: realpathSync(candidate), tried };
      }
      if (folder === dirname(folder)) return { tried };
    }
  }

  function realOf(modules: string): string | undefined {
    if (!realPaths.has(modules))
      realPaths.set(modules, statIfExists(modules) ? realpathSync(modules) : undefined);
    return realPaths.get(modules);
  }

  function note(folder: string, paths: readonly string[]): void {
    const known = places.get(folder) ?? new Set([folder]);
    places.set(folder, known);
    for (const path of paths) known.add(path);
  }

  function find(specifier: string, fromFolder: string): PackageFacts | undefined {
    const { real, tried } = search(specifier, fromFolder);
    if (real === undefined) return undefined;
    note(real, tried);
    return read(real);
  }

  function closureOf(roots: Iterable<PackageFacts>): PackageClosure {
    const open = [...roots];
    const everywhere = new Set(open);
    const all = new Set<PackageFacts>();
    const required = new Map<PackageFacts, PackageFacts[]>();
    for (let facts = open.pop(); facts; facts = open.pop()) {
      if (all.has(facts)) continue;
      all.add(facts);
      for (const need of facts.needs) {
        const found = find(need, facts.folder);
        // Whoever asks for what is not installed may want to hear just that.
        if (!found) {
          note(facts.folder, search(need, facts.folder).tried);
          continue;
        }
        open.push(found);
        if (!found.platform) everywhere.add(found);
        else if (facts.requires.includes(need)) required.set(facts, [...(required.get(facts) ?? []), found]);
      }
    }
    for (const facts of everywhere) for (const found of required.get(facts) ?? []) everywhere.add(found);
    return { all: [...all], everywhere: [...everywhere] };
  }

  return {
    find,
    closureOf,
    placesOf: (facts) => [...(places.get(facts.folder) ?? [facts.folder])],
    linksTo: (folder) => [...(places.get(folder) ?? [])].filter((place) => place !== folder),
    facts: () =>
      Object.fromEntries([...byFolder].flatMap(([folder, facts]) => (facts ? [[folder, facts]] : []))),
  };
}

/** One hash over the sorted name@version of packages. */
export function hashPackages(packages: readonly PackageFacts[]): string {
  const names = packages.map((one) => `${one.name}@${one.version}`);
  return `sha256:${sha256Hex([...new Set(names)].sort(byCodeUnit).join('\n'))}`;
}

/** `lodash/fp` → `lodash`, `@scope/x/y` → `@scope/x`. */
export function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function parse(folder: string, stamp: string, bytes: Buffer): PackageFacts {
  const json = parsePackageJson(bytes);
  const keys = (field: string): readonly string[] => Object.keys(asMap(json[field]));
  const optional = keys('optionalDependencies');
  const needs = [...keys('dependencies'), ...optional, ...keys('peerDependencies')];
  return {
    folder,
    stamp,
    name: typeof json['name'] === 'string' ? json['name'] : basename(folder),
    version: typeof json['version'] === 'string' ? json['version'] : '',
    needs: [...new Set(needs)],
    requires: keys('dependencies').filter((name) => !optional.includes(name)),
    platform: 'os' in json || 'cpu' in json || 'libc' in json,
  };
}
