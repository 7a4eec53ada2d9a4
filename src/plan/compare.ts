import { canonicalJson } from '../base/hash.ts';
import type { Reason } from '../base/reason.ts';
import type { Fingerprint, Json } from '../base/types.ts';

/** A file → the one by which the module comes to it, for saying why. */
type Importers = Readonly<Record<string, string>>;

/** Every difference between a recorded fingerprint and the present one, as reasons; empty only when they are equal. */
export function compareFingerprints(
  from: Fingerprint,
  to: Fingerprint,
  importers: Importers = {},
): readonly Reason[] {
  // Most stages are as they were: found without building anything.
  if (isEqual(from, to)) return [];
  const reasons: Reason[] = [];
  if (!same(from.action, to.action))
    reasons.push({ kind: 'action-changed', from: from.action as Json, to: to.action as Json });
  if (from.api !== to.api) reasons.push({ kind: 'api-changed' });
  compareParams(from, to, reasons);
  compareDeps(from, to, reasons);
  compareCode(from, to, importers, reasons);
  if (from.packages !== to.packages) reasons.push({ kind: 'packages-changed' });
  for (const name of keysOf(from.env, to.env)) {
    if (own(from.env, name) !== own(to.env, name)) reasons.push({ kind: 'env-changed', name });
  }
  if (from.tick !== to.tick) {
    reasons.push({
      kind: 'refreshed',
      ...(from.tick !== undefined && { from: from.tick }),
      ...(to.tick !== undefined && { to: to.tick }),
    });
  }
  compareOuts(from, to, reasons);
  // Who edits a lock may write what no comparison of parts tells apart.
  return reasons.length === 0 && !same(from, to) ? [{ kind: 'form-changed' }] : reasons;
}

function compareParams(from: Fingerprint, to: Fingerprint, reasons: Reason[]): void {
  // A stage may take a section and a value of it.
  const found = new Map<string, Reason>();
  for (const file of keysOf(from.params, to.params)) {
    const [old, now] = [own(from.params, file), own(to.params, file)];
    for (const key of keysOf(old, now)) compareParam({ file, key }, own(old, key), own(now, key), found);
  }
  reasons.push(...found.values());
}

/** Of two sections each value that differs, however deep: the whole section would hide it. */
function compareParam(
  { file, key }: { readonly file: string; readonly key: string },
  before: Json | undefined,
  after: Json | undefined,
  found: Map<string, Reason>,
): void {
  if (before !== undefined && after !== undefined && same(before, after)) return;
  if (isSection(before) && isSection(after)) {
    for (const name of keysOf(before, after)) {
      const inner = { file, key: key === '' ? name : `${key}.${name}` };
      compareParam(inner, own(before, name), own(after, name), found);
    }
    return;
  }
  found.set(`${file}\0${key}`, {
    kind: 'param-changed',
    file,
    key,
    ...(before !== undefined && { from: before }),
    ...(after !== undefined && { to: after }),
  });
}

function isSection(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function compareDeps(from: Fingerprint, to: Fingerprint, reasons: Reason[]): void {
  const before = depsByPath(from);
  const after = depsByPath(to);
  let isForeign = false;
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(path);
    const now = after.get(path);
    if (!old) reasons.push({ kind: 'dep-changed', path, change: 'added' });
    else if (!now) reasons.push({ kind: 'dep-changed', path, change: 'removed' });
    else if (!isComparable(old.hash, now.hash)) isForeign = true;
    else if (old.hash !== now.hash) reasons.push({ kind: 'dep-changed', path, change: 'modified' });
    else if (!same(old.names, now.names)) reasons.push({ kind: 'dep-changed', path, change: 'renamed' });
  }
  if (isForeign) reasons.push({ kind: 'algorithm-changed' });
}

/** A module may know one path by several names. */
function depsByPath({ deps }: Fingerprint): ReadonlyMap<string, { hash: string; names: string[] }> {
  const found = new Map<string, { hash: string; names: string[] }>();
  for (const { path, hash, name = '' } of deps) {
    const dep = found.get(path);
    if (dep) dep.names.push(name);
    else found.set(path, { hash, names: [name] });
  }
  return found;
}

/** Hashes of two algorithms say nothing about each other's bytes. */
export function isComparable(a: string, b: string): boolean {
  return a.slice(0, a.indexOf(':')) === b.slice(0, b.indexOf(':'));
}

function compareCode(from: Fingerprint, to: Fingerprint, importers: Importers, reasons: Reason[]): void {
  for (const path of keysOf(from.code, to.code)) {
    const before = own(from.code, path);
    const after = own(to.code, path);
    if (before === after) continue;
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'modified';
    reasons.push({ kind: 'code-changed', path, change, chain: chainTo(path, importers) });
  }
}

/** Entry first, `path` last. */
function chainTo(path: string, importers: Importers): readonly string[] {
  const chain = [path];
  for (let at = own(importers, path); at !== undefined && !chain.includes(at); at = own(importers, at))
    chain.unshift(at);
  return chain;
}

function compareOuts(from: Fingerprint, to: Fingerprint, reasons: Reason[]): void {
  const before = new Map(from.outs.map((out) => [out.path, out]));
  const after = new Map(to.outs.map((out) => [out.path, out]));
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(path);
    const now = after.get(path);
    if (old && now && same(old, now)) continue;
    reasons.push({ kind: 'outs-changed', path, change: !old ? 'added' : !now ? 'removed' : 'redeclared' });
  }
}

function keysOf(
  a: Readonly<Record<string, unknown>> = {},
  b: Readonly<Record<string, unknown>> = {},
): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

/** Names come from the user: one may be called `constructor`. */
function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || canonicalJson(a as Json) === canonicalJson(b as Json);
}

/** True for values that are equal; the order of keys does not count, a key without a value is no key. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    const other = b as readonly unknown[];
    return a.length === other.length && a.every((item, index) => isEqual(item, other[index]));
  }
  if (Array.isArray(a) || Array.isArray(b)) return false;
  const before = a as Readonly<Record<string, unknown>>;
  const after = b as Readonly<Record<string, unknown>>;
  for (const key in before) if (!isEqual(before[key], own(after, key))) return false;
  for (const key in after) if (after[key] !== undefined && own(before, key) === undefined) return false;
  return true;
}
