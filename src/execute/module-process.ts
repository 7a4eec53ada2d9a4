import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PipelineError } from '../base/error.ts';
import { byCodeUnit } from '../base/path.ts';
import type { ModuleAction, Stage } from '../base/types.ts';
import type { Attempt, AttemptInputs } from './attempt-inputs.ts';
import { isChildMessage } from './child-protocol.ts';
import type { ChildJob, ChildMessage } from './child-protocol.ts';
import { commonJsFailed } from './commonjs.ts';
import { denialOf } from './denial.ts';
import { permissionArgs } from './hermetic.ts';
import { compileCache, moduleEnv } from './stage-env.ts';
import { stageError } from './stage-error.ts';
import { nestParams } from './stage-params.ts';
import { supervise } from './supervise.ts';

/** Runs a module stage in a process of its own. Throws `stage.failed`, `stage.undeclared` and their kin. */
export async function runModule(
  inputs: Attempt,
  action: ModuleAction,
): Promise<{ readonly peakMemory: number }> {
  const { root, stage, staging, redactor } = inputs;
  const denied: { permission: string; resource: string }[] = [];
  let failure: Said<'failed'> | undefined;
  let done: Said<'done'> | undefined;
  const job: ChildJob = {
    module: join(root, action.path),
    scripts: Object.fromEntries([...inputs.scripts].map(([path, text]) => [pathToFileURL(path).href, text])),
    deps: byName(stage.deps.map((dep) => [dep.name ?? dep.path, join(root, dep.path)])),
    outs: byName(staging.outs.map(({ wanted, path, made }) => [wanted.name ?? path, made])),
    params: nestParams(stage),
    env: [...stage.env, ...stage.secrets],
    now: inputs.nowMs,
  };
  const onMessage = (message: unknown): void => {
    if (!isChildMessage(message)) return undefined;
    switch (message.type) {
      case 'log':
        return inputs.emit({
          type: 'stage-output',
          stage: stage.name,
          stream: 'log',
          chunk: `${redactor.text(message.text)}\n`,
        });
      case 'progress': {
        const { done, total, label } = message;
        const rest = {
          ...(total !== undefined && { total }),
          ...(label !== undefined && { label: redactor.text(label) }),
        };
        return inputs.emit({ type: 'stage-progressed', stage: stage.name, done, ...rest });
      }
      case 'denied':
        return void denied.push(message);
      case 'done':
        done = message;
        return undefined;
      case 'failed':
        failure = {
          ...message,
          message: redactor.text(message.message),
          stack: redactor.text(message.stack),
          ...(message.resource !== undefined && { resource: redactor.text(message.resource) }),
        };
        return undefined;
      default:
        return message satisfies never;
    }
  };
  const args = [...nodeArgs(inputs, action), join(inputs.own.root, inputs.own.child)];
  const command = { command: process.execPath, args, cwd: root, env: moduleEnv(inputs), message: job };
  try {
    await supervise(inputs, command, {
      onMessage,
      explain: () =>
        failure &&
        (commonJsFailed(stage, failure.message, inputs) ??
          denialOf(inputs, denied) ??
          moduleFailed(stage, failure)),
    });
  } finally {
    if (failure)
      inputs.emit({ type: 'stage-output', stage: stage.name, stream: 'stderr', chunk: `${failure.stack}\n` });
  }
  const denial = denialOf(inputs, denied);
  if (denial) throw denial;
  if (!done) throw endedItself(stage);
  return { peakMemory: done.peakMemory };
}

/** Sorted: the order of pipeline.yaml is not fingerprinted, so a stage must not see it. */
function byName(entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => byCodeUnit(a, b)));
}

function endedItself(stage: Stage): PipelineError {
  return stageError(stage, 'stage.failed', `stage "${stage.name}" ended its process before it was done`, {
    hint: 'return from the stage instead of calling process.exit()',
    retryable: true,
  });
}

type Said<Type extends ChildMessage['type']> = Extract<ChildMessage, { type: Type }>;

/** What a stage may be allowed, by Node's names of its permissions; without a name, where no `allow:` lets it in. */
const ABILITIES: Readonly<Record<string, { readonly name?: string; readonly does: string }>> = {
  ChildProcess: { name: 'processes', does: 'starts a process' },
  WorkerThreads: { name: 'workers', does: 'starts a worker thread' },
  Addon: { name: 'addons', does: 'loads a native addon' },
  Inspector: { does: 'opens the inspector' },
  WASI: { does: 'uses WASI' },
};

/** Not by its name alone: it is in no registry, and who took the name there would be run here. */
const INSTALL =
  'in a clone of Lockstep "npm run pack" makes the package; install that file here: "npm install --save-dev FILE"';

function moduleFailed(stage: Stage, failure: Said<'failed'>): PipelineError {
  const { permission = '', resource } = failure;
  if (permission.startsWith('FileSystem') && resource !== undefined) {
    const verb = permission === 'FileSystemWrite' ? 'writes' : 'reads';
    const message = `stage "${stage.name}" ${verb} "${resource}", which is not its own`;
    return stageError(stage, 'stage.undeclared', message, {
      hint:
        ownNameHint(resource) ??
        'bring what it reads into the project and declare it under deps:, or set "hermetic: false"',
    });
  }
  const ability = ABILITIES[permission];
  if (ability) {
    const line = ability.name === undefined ? 'hermetic: false' : `allow: [${ability.name}]`;
    const message = `stage "${stage.name}" ${ability.does}, which it is not allowed`;
    return stageError(stage, 'stage.not-allowed', message, { hint: `add "${line}" to "${stage.name}"` });
  }
  const hint = importHint(failure.message);
  // One sentence: what validators and assertions lay out over many lines stands so in the output.
  const message = failure.message.trim().replace(/\s*[\r\n]\s*/g, ' ');
  return stageError(stage, 'stage.failed', `stage "${stage.name}" failed: ${message}`, {
    retryable: failure.hopeless !== true && hint === undefined,
    hint,
  });
}

/** What to do about an import that Node refuses. */
function importHint(message: string): string | undefined {
  // Where Lockstep is installed elsewhere, the project cannot import from it.
  if (message.startsWith("Cannot find package 'lockstep-data'")) return INSTALL;
  const own = ownNameHint(message);
  if (own !== undefined) return own;
  const name = /does not provide an export named '(.+?)'/.exec(message)?.[1];
  return name && `export "${name}" there; if it is a type, write "import type { ${name} }"`;
}

/** Where folders may not be read, Node finds the package.json that explains "#name" for import only. */
function ownNameHint(text: string): string | undefined {
  const name = /(?:[/\\]node_modules[/\\]|^Cannot find module ')(#[^/\\']*)/.exec(text)?.[1];
  return name && `take "${name}" by import, not by require, or set "hermetic: false"`;
}

function nodeArgs(
  { root, stage, staging, code, packageFolders, conditions, own }: AttemptInputs,
  action: ModuleAction,
): readonly string[] {
  const flags = [
    '--disable-warning=ExperimentalWarning',
    // A project's package.json need not say "type": a stage is a module by what is written in it.
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
    ...conditions.map((name) => `--conditions=${name}`),
  ];
  if (!action.hermetic) return flags;
  const writable = [...staging.folders, compileCache(root)].map((folder) => join(folder, '*'));
  const deps = stage.deps.map((dep) => join(root, dep.path));
  // A clone of our own repository finds the API in itself.
  const entry = [own.child, own.api].map((file) => join(own.root, file)).concat(join(root, own.api));
  refuseStar(stage, [root, ...code, ...packageFolders, ...deps, ...entry]);
  return [...flags, ...permissionArgs({ action, code, packageFolders, deps, entry, writable })];
}

/** Node's permissions take a star for any text, also in a name: all that begins like it could be read, and nothing would tell. */
function refuseStar(stage: Stage, paths: readonly string[]): void {
  const path = paths.find((one) => one.includes('*'));
  if (path === undefined) return;
  throw stageError(
    stage,
    'path.name',
    `stage "${stage.name}" cannot be held to what it declares: to Node the "*" in "${path}" is any text`,
    { hint: `rename it, or add "hermetic: false" to "${stage.name}"` },
  );
}
