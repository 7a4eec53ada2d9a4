import { canonicalJson, isContentHash, isTreeHash, sha256Hex, sortKeys } from '../base/hash.ts';
import { keptPathFault } from '../base/path.ts';
import type { Artifact, ContentHash, Fingerprint, Json, StageLock } from '../base/types.ts';

/** Why a text that should hold results is not believed; carries no place, its reader knows it. */
export class RecordFault extends Error {}

type Fields = Readonly<Record<string, Json | undefined>>;

/**
 * Reads one recorded result out of untrusted data (lockfile, run cache): only known keys, only safe paths, only
 * well-formed hashes. Throws `RecordFault`.
 */
export function toStageLock(value: Json | undefined): StageLock {
  const { outs, gates, ...fingerprint } = mapOf(value, 'the entry');
  return {
    fingerprint: toFingerprint(fingerprint),
    outs: listOf(outs ?? [], 'outs').map(toArtifact),
    gates: listOf(gates ?? [], 'gates').map((gate) => textOf(gate, 'a gate')),
  };
}

/** A result as it stands in a file: the fingerprint's fields first, then outs and gates; defaults left out. */
export function fromStageLock({ fingerprint, outs, gates }: StageLock): Json {
  const { action, api, params, deps, code, packages, env, tick, outs: declared } = fingerprint;
  const document: Record<string, unknown> = {
    action,
    ...(api !== undefined && { api }),
    // The order in which someone wrote the keys of a parameter is no part of the result.
    ...(Object.keys(params).length > 0 && { params: sortKeys(params) }),
    ...(deps.length > 0 && {
      deps: deps.map(({ path, hash, name }) => ({ path, hash, ...(name !== undefined && { name }) })),
    }),
    ...(code && { code }),
    ...(packages !== undefined && { packages }),
    ...(env && { env }),
    ...(tick !== undefined && { tick }),
    declares: declared.map(({ path, name, persist }) => ({
      path,
      ...(name !== undefined && { name }),
      ...(persist && { persist }),
    })),
    outs: outs.map(fromArtifact),
    ...(gates.length > 0 && { gates }),
  };
  return document as Json;
}

/**
 * A checksum over a result as it stands in a file. It tells damage and what git makes of two results that it merges, not
 * malice. `undefined` for what is no such document: neither deep enough to exhaust the stack nor with a number that JSON
 * cannot say, for we write no such thing.
 */
export function sumOf(document: Json): string | undefined {
  return canBeHashed(document) ? sha256Hex(canonicalJson(document)) : undefined;
}

/** As of the lock. */
const MAX_DEPTH = 100;

function canBeHashed(value: Json, depth = 0): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return depth < MAX_DEPTH && Object.values(value).every((item: Json) => canBeHashed(item, depth + 1));
}

export function fromArtifact({ path, hash, size, files, exec }: Artifact): Json {
  return { path, hash, size, ...(files !== undefined && { files }), ...(exec === true && { exec }) };
}

export function toArtifact(value: Json): Artifact {
  const { path, hash, size, files, exec, ...rest } = mapOf(value, 'an out');
  refuseRest(rest, 'an out');
  const where = relPathOf(path, 'an out');
  const content = contentHashOf(hash, where);
  const tree = isTreeHash(content);
  if (tree !== (files !== undefined)) throw new RecordFault(`"${where}" is half file, half folder`);
  if (exec !== undefined && exec !== true) throw new RecordFault(`"${where}" has an exec that is not true`);
  return {
    path: where,
    hash: content,
    kind: tree ? 'tree' : 'file',
    size: countOf(size, `the size of "${where}"`),
    ...(files !== undefined && { files: countOf(files, `the files of "${where}"`) }),
    ...(exec === true && { exec }),
  };
}

function toFingerprint(fields: Fields): Fingerprint {
  const { action, api, params, deps, code, packages, env, tick, declares, ...rest } = fields;
  refuseRest(rest, 'the entry');
  if (api !== undefined && api !== 1) throw new RecordFault('the stage API is unknown');
  return {
    action: toAction(action),
    ...(api === 1 && { api }),
    params: toParams(params ?? {}),
    deps: listOf(deps ?? [], 'deps').map(toDep),
    ...(code !== undefined && { code: textsOf(code, 'code') }),
    ...(packages !== undefined && { packages: textOf(packages, 'packages') }),
    ...(env !== undefined && { env: textsOf(env, 'env') }),
    ...(tick !== undefined && { tick: tickOf(tick) }),
    outs: listOf(declares ?? [], 'declares').map(toDeclared),
  };
}

function toAction(value: Json | undefined): Fingerprint['action'] {
  const { run, hermetic, allow, cmd, wdir, ...rest } = mapOf(value, 'action');
  refuseRest(rest, 'action');
  if (cmd !== undefined) {
    const text = typeof cmd === 'string' ? cmd : listOf(cmd, 'cmd').map((line) => textOf(line, 'cmd'));
    return { cmd: text, ...(wdir !== undefined && { wdir: relPathOf(wdir, 'wdir') }) };
  }
  return {
    run: relPathOf(run, 'run'),
    ...(hermetic === false && { hermetic }),
    ...(allow !== undefined && { allow: listOf(allow, 'allow').map((one) => textOf(one, 'allow')) }),
  };
}

function toParams(value: Json): Fingerprint['params'] {
  const files = mapOf(value, 'params');
  return Object.fromEntries(
    Object.entries(files).map(([file, keys]) => [
      file,
      mapOf(keys, `params of ${file}`) as Record<string, Json>,
    ]),
  );
}

function toDep(value: Json): Fingerprint['deps'][number] {
  const { path, hash, name, ...rest } = mapOf(value, 'a dep');
  refuseRest(rest, 'a dep');
  const where = relPathOf(path, 'a dep');
  return {
    path: where,
    hash: contentHashOf(hash, where),
    ...(name !== undefined && { name: textOf(name, 'a name') }),
  };
}

function toDeclared(value: Json): Fingerprint['outs'][number] {
  const { path, name, persist, ...rest } = mapOf(value, 'a declared out');
  refuseRest(rest, 'a declared out');
  const text = textOf(path, 'a path');
  relPathOf(text.replace(/\/$/, ''), 'a declared out');
  return {
    path: text,
    ...(name !== undefined && { name: textOf(name, 'a name') }),
    ...(persist === true && { persist }),
  };
}

export function mapOf(value: Json | undefined, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RecordFault(`${what} is not a map`);
  return value as Fields;
}

export function listOf(value: Json, what: string): readonly Json[] {
  if (!Array.isArray(value)) throw new RecordFault(`${what} is not a list`);
  return value as readonly Json[];
}

function textOf(value: Json | undefined, what: string): string {
  if (typeof value !== 'string') throw new RecordFault(`${what} is not text`);
  return value;
}

function textsOf(value: Json, what: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mapOf(value, what)).map(([key, item]) => [key, textOf(item, `${what} ${key}`)]),
  );
}

function countOf(value: Json | undefined, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new RecordFault(`${what} is not a count`);
  return value;
}

function tickOf(value: Json): string {
  const text = textOf(value, 'tick');
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw new RecordFault(`the tick "${text}" is no instant`);
  }
  return text;
}

function relPathOf(value: Json | undefined, what: string): Artifact['path'] {
  const text = textOf(value, `the path of ${what}`);
  const fault = keptPathFault(text);
  if (fault !== undefined) throw new RecordFault(`the path "${text}" ${fault}`);
  return text as Artifact['path'];
}

function contentHashOf(value: Json | undefined, path: string): ContentHash {
  if (!isContentHash(value)) throw new RecordFault(`"${path}" has no valid hash`);
  return value;
}

function refuseRest(rest: Fields, what: string): void {
  const [key] = Object.keys(rest);
  if (key !== undefined) throw new RecordFault(`${what} has the unknown key "${key}"`);
}
