import { join } from 'node:path';
import { MARK } from '../io/process.ts';
import type { AttemptInputs } from './attempt-inputs.ts';
import type { Staging } from './staging.ts';

/** Where stage processes keep compiled code; the engine itself never loads from it. */
export function compileCache(root: string): string {
  return join(root, '.lockstep', 'compile', 'stages');
}

const PASSED = [
  'PATH',
  'HOME',
  'USER',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];
const CERTIFICATES = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
];

/** The environment of a module stage: little, so that what it depends on is declared. */
export function moduleEnv({ root, env, stage, staging }: AttemptInputs): Record<string, string> {
  return {
    ...pick(env, [...PASSED, ...CERTIFICATES, ...stage.env, ...stage.secrets]),
    NODE_COMPILE_CACHE: compileCache(root),
    TMPDIR: staging.temp,
    ...fixedEnv(staging),
  };
}

/** The environment of a shell command: the runner's own, as people expect of a shell, with fixed zone and locale. */
export function shellEnv({ root, env, stage, staging }: AttemptInputs): Record<string, string> {
  return {
    ...pick(env, Object.keys(env)),
    ...fixedEnv(staging),
    LOCKSTEP_ROOT: root,
    LOCKSTEP_STAGE: stage.name,
  };
}

function fixedEnv(staging: Staging): Record<string, string> {
  return { TZ: 'UTC', LC_ALL: 'C.UTF-8', [MARK]: staging.id };
}

function pick(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
