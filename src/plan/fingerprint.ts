import { canonicalJson, sha256Hex } from '../base/hash.ts';
import { byCodeUnit } from '../base/path.ts';
import type { Fingerprint, Json, Stage } from '../base/types.ts';

/** What is known of a stage's inputs when its fingerprint is made. */
export interface FingerprintInputs {
  /** Dep path → content hash. */
  readonly deps: ReadonlyMap<string, string>;
  readonly code?: Readonly<Record<string, string>>;
  readonly packages?: string;
  /** Name → SHA-256 of canonical `[name, value]`. */
  readonly env: Readonly<Record<string, string>>;
  readonly tick?: string;
}

/** The stage's fingerprint as data; lists and keys sorted, so that equal inputs give equal bytes. */
export function buildFingerprint(stage: Stage, inputs: FingerprintInputs): Fingerprint {
  const { action } = stage;
  return {
    action: actionOf(stage),
    ...(action.kind === 'module' && { api: 1 as const }),
    params: paramsOf(stage),
    deps: stage.deps
      .map((dep) => ({
        path: dep.path,
        hash: inputs.deps.get(dep.path) ?? '',
        ...(dep.name !== undefined && { name: dep.name }),
      }))
      .sort((a, b) => byCodeUnit(a.path, b.path)),
    ...(inputs.code && { code: inputs.code }),
    ...(inputs.packages !== undefined && { packages: inputs.packages }),
    ...(Object.keys(inputs.env).length > 0 && { env: inputs.env }),
    ...(inputs.tick !== undefined && { tick: inputs.tick }),
    outs: stage.outs
      .map((out) => ({
        path: out.folder ? `${out.path}/` : out.path,
        ...(out.name !== undefined && { name: out.name }),
        ...(out.persist && { persist: true as const }),
      }))
      .sort((a, b) => byCodeUnit(a.path, b.path)),
  };
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
  const params = new Map<string, [string, Json][]>();
  const refs = [...stage.params].sort(
    (a, b) => byCodeUnit(a.file, b.file) || byCodeUnit(a.key ?? '', b.key ?? ''),
  );
  for (const { file, key, value } of refs) {
    const entries = params.get(file);
    if (entries) entries.push([key ?? '', value]);
    else params.set(file, [[key ?? '', value]]);
  }
  // Unlike an assignment, this takes a key called `__proto__` for a key.
  return Object.fromEntries([...params].map(([file, entries]) => [file, Object.fromEntries(entries)]));
}

/** One environment variable as it enters fingerprints: never its value. Unset and empty differ. */
export function hashEnv(name: string, value: string | undefined): string {
  return `sha256:${sha256Hex(canonicalJson([name, value ?? null]))}`;
}

/** The name of a fingerprint's run-cache entry. */
export function hashFingerprint(fingerprint: Fingerprint): string {
  return sha256Hex(canonicalFingerprint(fingerprint));
}

/** The one canonical JSON document of a fingerprint. */
export function canonicalFingerprint(fingerprint: Fingerprint): string {
  return canonicalJson(fingerprint as unknown as Json);
}
