import { canonicalJson, sha256Hex } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import type { Fingerprint, Json, Stage } from '../base/types.ts';
import { isEqual } from './compare.ts';

/** What is known of a stage's inputs when its fingerprint is made. */
export interface FingerprintInputs {
  /** Dep path → content hash. */
  readonly deps: ReadonlyMap<string, string>;
  /** Of a module: its files by path, and the hash of the packages it imports. */
  readonly code?:
    | { readonly files: Readonly<Record<string, string>>; readonly packages?: string }
    | undefined;
  /** Name → SHA-256 of canonical `[name, value]`. */
  readonly env: Readonly<Record<string, string>>;
  readonly tick?: string | undefined;
}

/** The stage's fingerprint as data; lists and keys sorted, so that equal inputs give equal bytes. */
export function buildFingerprint(stage: Stage, inputs: FingerprintInputs): Fingerprint {
  const { action } = stage;
  return {
    action: actionOf(stage),
    ...(action.kind === 'module' && { api: 1 as const }),
    params: paramsOf(stage),
    deps: inOrder(
      stage.deps.map(({ path, name }) => {
        const hash = inputs.deps.get(path) ?? '';
        return name === undefined ? { path, hash } : { path, hash, name };
      }),
    ),
    ...(inputs.code && { code: inputs.code.files }),
    ...(inputs.code?.packages !== undefined && { packages: inputs.code.packages }),
    ...(!isEmpty(inputs.env) && { env: inputs.env }),
    ...(inputs.tick !== undefined && { tick: inputs.tick }),
    outs: outsOf(stage),
  };
}

/**
 * True when this is what `buildFingerprint` would give: found without building anything, because most stages are as they
 * were. May be false for equal ones where a stage names one input twice.
 */
export function isFingerprintOf(recorded: Fingerprint, stage: Stage, inputs: FingerprintInputs): boolean {
  const { action, api, params, deps, code, packages, env, tick, outs, ...rest } = recorded;
  // Whoever adds a field compares it here.
  rest satisfies Readonly<Record<string, never>>;
  return (
    tick === inputs.tick &&
    packages === inputs.code?.packages &&
    api === (stage.action.kind === 'module' ? 1 : undefined) &&
    areDeps(deps, stage, inputs) &&
    areOuts(outs, stage) &&
    areParams(params, stage) &&
    isEqual(action, actionOf(stage)) &&
    isEqual(code, inputs.code?.files) &&
    isEqual(env, isEmpty(inputs.env) ? undefined : inputs.env)
  );
}

function areDeps(recorded: Fingerprint['deps'], stage: Stage, { deps }: FingerprintInputs): boolean {
  if (recorded.length !== stage.deps.length) return false;
  return inOrder(stage.deps).every((dep, index) => {
    const one = recorded[index];
    return one?.path === dep.path && one.hash === (deps.get(dep.path) ?? '') && one.name === dep.name;
  });
}

function areOuts(recorded: Fingerprint['outs'], stage: Stage): boolean {
  if (recorded.length !== stage.outs.length) return false;
  if (stage.outs.some((out) => out.folder)) return isEqual(recorded, outsOf(stage));
  return inOrder(stage.outs).every((out, index) => {
    const one = recorded[index];
    return one?.path === out.path && one.name === out.name && (one.persist ?? false) === out.persist;
  });
}

function areParams(recorded: Fingerprint['params'], stage: Stage): boolean {
  let count = 0;
  for (const file in recorded) for (const _ in recorded[file]) count++;
  return (
    count === stage.params.length &&
    stage.params.every(({ file, key, value }) => {
      const values = Object.hasOwn(recorded, file) ? recorded[file] : undefined;
      const name = key ?? '';
      return values !== undefined && Object.hasOwn(values, name) && isEqual(values[name], value);
    })
  );
}

interface Named {
  readonly path: string;
  readonly name?: string;
}

/** Sorted by path and name; the very list when it is. */
function inOrder<T extends Named>(list: readonly T[]): readonly T[] {
  const isSorted = list.every((one, i) => i === 0 || byPathAndName(list[i - 1] ?? one, one) <= 0);
  return isSorted ? list : [...list].sort(byPathAndName);
}

function byPathAndName(a: Named, b: Named): number {
  return byCodeUnit(a.path, b.path) || byCodeUnit(a.name ?? '', b.name ?? '');
}

function isEmpty(record: Readonly<Record<string, unknown>>): boolean {
  for (const _ in record) return false;
  return true;
}

function outsOf(stage: Stage): Fingerprint['outs'] {
  const outs = stage.outs.map((out) => ({
    path: out.folder ? `${out.path}/` : out.path,
    ...(out.name !== undefined && { name: out.name }),
    ...(out.persist && { persist: true as const }),
  }));
  return inOrder(outs);
}

function actionOf({ action }: Stage): Fingerprint['action'] {
  if (action.kind === 'shell') return { cmd: action.cmd, ...(action.wdir !== '.' && { wdir: action.wdir }) };
  return {
    run: action.path,
    ...(!action.hermetic && { hermetic: false as const }),
    ...(action.allow.length > 0 && { allow: action.allow }),
  };
}

/** File → key → value; a whole file stands under the key ''. */
function paramsOf(stage: Stage): Record<string, Record<string, Json>> {
  const params: Record<string, Record<string, Json>> = {};
  const refs =
    stage.params.length < 2
      ? stage.params
      : [...stage.params].sort((a, b) => byCodeUnit(a.file, b.file) || byCodeUnit(a.key ?? '', b.key ?? ''));
  for (const { file, key, value } of refs) {
    let values = Object.hasOwn(params, file) ? params[file] : undefined;
    if (!values) put(params, file, (values = {}));
    put(values, key ?? '', value);
  }
  return params;
}

/** An assignment that takes a key called `__proto__` for a key. */
function put<T>(record: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__')
    Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
  else record[key] = value;
}

/** One environment variable as it enters fingerprints: never its value. Unset and empty differ. */
export function hashEnv(name: string, env: Readonly<Record<string, string | undefined>>): string {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  return `sha256:${sha256Hex(canonicalJson([name, value ?? null]))}`;
}
