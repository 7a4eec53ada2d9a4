import { join } from 'node:path';
import type { PipelineError } from '../base/error.ts';
import { formatList } from '../base/text.ts';
import type { Stage } from '../base/types.ts';
import { MARK } from '../io/process.ts';
import type { AttemptInputs } from './attempt-inputs.ts';
import { stageError } from './stage-error.ts';
import type { Laid } from './staging.ts';

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
/** Without them a Node that finds its libraries there (of a cluster's modules, say) does not start. */
export const LIBRARIES: readonly string[] = ['LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'];
const CERTIFICATES = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
];

/**
 * Throws `secret.unset` for secrets that are not set: what is made without them would be recorded, and be fresh with them, too.
 * An empty one is none: CI gives empty text for a secret that nobody has set.
 */
export function refuseUnsetSecrets({ env, stage }: Pick<AttemptInputs, 'env' | 'stage'>): void {
  const unset = stage.secrets.filter((name) => (env[name] ?? '') === '');
  if (unset.length > 0) throw secretUnset(stage, unset);
}

function secretUnset(stage: Stage, unset: readonly string[]): PipelineError {
  const [what, are, them] = unset.length === 1 ? ['secret', 'is', 'it'] : ['secrets', 'are', 'them'];
  return stageError(
    stage,
    'secret.unset',
    `stage "${stage.name}" needs the ${what} ${formatList(unset)}, which ${are} unset or empty`,
    { hint: `export ${them} and run again, or take ${them} out of "secrets:"` },
  );
}

/** The environment of a module stage: little, so that what it depends on is declared. */
export function moduleEnv({ root, env, stage, staging }: AttemptInputs): Record<string, string> {
  return {
    ...pick(env, [...PASSED, ...LIBRARIES, ...CERTIFICATES, ...stage.env, ...stage.secrets]),
    NODE_COMPILE_CACHE: compileCache(root),
    TMPDIR: staging.temp,
    ...fixedEnv(env, staging),
  };
}

/** The environment of a shell command: the runner's own, as people expect of a shell, with fixed zone and locale. */
export function shellEnv({ root, env, stage, staging }: AttemptInputs): Record<string, string> {
  return {
    ...pick(env, Object.keys(env)),
    ...fixedEnv(env, staging),
    LOCKSTEP_ROOT: root,
    LOCKSTEP_STAGE: stage.name,
  };
}

function fixedEnv(env: AttemptInputs['env'], { id }: Laid): Record<string, string> {
  const outer = env[MARK];
  // Who ends the outer attempt ends what a runner in it started, too: that one may have no time left for it.
  return { TZ: 'UTC', LC_ALL: 'C.UTF-8', [MARK]: outer === undefined ? id : `${outer}/${id}` };
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
