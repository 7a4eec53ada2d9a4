import { join, relative, sep } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { createRedactor } from '../base/redact.ts';
import { formatBytes, formatDuration } from '../base/text.ts';
import type { Json, Stage } from '../base/types.ts';
import type { Clock } from '../io/clock.ts';
import { MARK, spawnGroup } from '../io/process.ts';
import type { Ending, Group } from '../io/process.ts';
import type { ChildJob, ChildMessage } from './child-protocol.ts';
import { permissionArgs } from './hermetic.ts';
import type { Staging } from './staging.ts';

/** What a stage process needs besides its stage. */
export interface AttemptInputs {
  readonly root: string;
  readonly stage: Stage;
  readonly staging: Staging;
  /** The runner's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The stage's tick. */
  readonly nowMs: number;
  readonly code: readonly string[];
  readonly packageFolders: readonly string[];
  readonly own: OwnPackage;
  /** Passed to Node when the runner itself runs from source. */
  readonly conditions: readonly string[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Told as soon as there is a process. */
  readonly onStart: (pid: number) => void;
}

const GRACE_MS = 5000;

/** Runs a stage's action once, in a process group of its own. Throws `stage.failed` and its kin; never leaves a process. */
export async function runAction(inputs: AttemptInputs): Promise<{ readonly peakMemory?: number }> {
  const { stage } = inputs;
  if (stage.action.kind === 'module') return superviseModule(inputs);
  const cmds = typeof stage.action.cmd === 'string' ? [stage.action.cmd] : stage.action.cmd;
  let peakMemory = 0;
  for (const cmd of cmds) {
    // A script of several lines stops at the first that fails, as a list of commands does.
    const args = cmd.trim().includes('\n') ? ['-e', '-c', cmd] : ['-c', cmd];
    const cwd = join(inputs.root, stage.action.wdir);
    const ending = await supervise(inputs, { command: '/bin/sh', args, cwd, env: shellEnv(inputs) });
    peakMemory = Math.max(peakMemory, ending.peakMemory ?? 0);
  }
  return peakMemory > 0 ? { peakMemory } : {};
}

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

async function superviseModule(inputs: AttemptInputs): Promise<{ readonly peakMemory?: number }> {
  const { root, stage, staging } = inputs;
  if (stage.action.kind !== 'module') throw new Error('not a module stage');
  const denied: { permission: string; resource: string }[] = [];
  let failure: { message: string; stack: string } | undefined;
  let peakMemory: number | undefined;
  let group: Group | undefined;
  const job: ChildJob = {
    module: join(root, stage.action.path),
    deps: Object.fromEntries(stage.deps.map((dep) => [dep.name ?? dep.path, join(root, dep.path)])),
    outs: Object.fromEntries(
      stage.outs.map((out, index) => [out.name ?? out.path, staging.outs[index]?.made ?? '']),
    ),
    params: nestParams(stage),
    env: [...stage.env, ...stage.secrets],
    now: inputs.nowMs,
  };
  const onMessage = (raw: unknown): void => {
    const message = raw as ChildMessage;
    switch (message.type) {
      case 'ready':
        return group?.send(job as unknown as Record<string, unknown>);
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
        peakMemory = message.peakMemory;
        return undefined;
      case 'failed':
        failure = { message: redactor.text(message.message), stack: redactor.text(message.stack) };
        return undefined;
      default:
        return message satisfies never;
    }
  };
  const redactor = redactorOf(inputs);
  const args = [...nodeArgs(inputs), join(inputs.own.root, inputs.own.child)];
  const command: Command = { command: process.execPath, args, cwd: root, env: moduleEnv(inputs) };
  try {
    await supervise(inputs, command, {
      onMessage,
      onGroup: (one) => (group = one),
      explain: () => failure && moduleFailed(stage, failure, denialOf(inputs, denied)),
    });
  } finally {
    if (failure)
      inputs.emit({ type: 'stage-output', stage: stage.name, stream: 'stderr', chunk: `${failure.stack}\n` });
  }
  const denial = denialOf(inputs, denied);
  if (denial) throw denial;
  return peakMemory === undefined ? {} : { peakMemory };
}

interface Supervision {
  readonly onMessage?: (message: unknown) => void;
  readonly onGroup?: (group: Group) => void;
  /** A more telling error than the process's ending. */
  readonly explain?: () => PipelineError | undefined;
}

/** Starts a process group, feeds its output to the listeners, ends it on timeout and abort. */
async function supervise(
  inputs: AttemptInputs,
  command: Command,
  supervision: Supervision = {},
): Promise<Ending> {
  const { stage, emit, signal, clock } = inputs;
  signal.throwIfAborted();
  const redactor = redactorOf(inputs);
  const streams = { stdout: redactor.stream(), stderr: redactor.stream() };
  let heapExhausted = false;
  const show = (stream: 'stdout' | 'stderr', chunk: string): void => {
    if (stream === 'stderr' && chunk.includes('JavaScript heap out of memory')) heapExhausted = true;
    if (chunk !== '') emit({ type: 'stage-output', stage: stage.name, stream, chunk });
  };
  const group = spawnGroup({
    ...command,
    onOutput: (stream, chunk) => show(stream, streams[stream].push(chunk)),
    ...(supervision.onMessage && { onMessage: supervision.onMessage }),
  });
  supervision.onGroup?.(group);
  if (group.pid !== undefined) inputs.onStart(group.pid);
  const over = new AbortController();
  let stopped: 'timeout' | 'canceled' | undefined;
  const stop = (why: 'timeout' | 'canceled'): void => {
    stopped ??= why;
    void group.stop(GRACE_MS, clock);
  };
  const onAbort = (): void => stop('canceled');
  signal.addEventListener('abort', onAbort, { once: true });
  const { timeoutMs } = stage.policy;
  if (timeoutMs !== undefined) {
    void clock.sleep(timeoutMs, over.signal).then(
      () => stop('timeout'),
      () => undefined,
    );
  }
  const ending = await group.ended;
  over.abort();
  signal.removeEventListener('abort', onAbort);
  for (const stream of ['stdout', 'stderr'] as const) show(stream, streams[stream].end());
  const error = endingError(stage, ending, { stopped, heapExhausted, explain: supervision.explain });
  if (error) throw error;
  return ending;
}

interface Circumstances {
  readonly stopped: 'timeout' | 'canceled' | undefined;
  readonly heapExhausted: boolean;
  readonly explain: (() => PipelineError | undefined) | undefined;
}

/** The error of an ending, from the most to the least telling cause; `undefined` for success. */
function endingError(
  stage: Stage,
  ending: Ending,
  { stopped, heapExhausted, explain }: Circumstances,
): PipelineError | undefined {
  const at = stage.at;
  const failed = EXIT.failed;
  const peak =
    ending.peakMemory === undefined ? '' : `; its memory peaked at ${formatBytes(ending.peakMemory)}`;
  const name = `stage "${stage.name}"`;
  if (stopped === 'canceled')
    return new PipelineError('stage.canceled', `${name} was canceled`, { at, exit: EXIT.interrupted });
  if (stopped === 'timeout') {
    const limit = formatDuration(stage.policy.timeoutMs ?? 0);
    return new PipelineError('stage.timeout', `${name} did not end within ${limit}`, {
      at,
      exit: failed,
      hint: 'raise its timeout:, or find out what it waits for in its output',
    });
  }
  if (ending.startError) {
    const code = (ending.startError as NodeJS.ErrnoException).code ?? ending.startError.message;
    return new PipelineError('stage.not-started', `${name} could not be started (${code})`, {
      at,
      exit: failed,
      cause: ending.startError,
    });
  }
  if (heapExhausted) {
    return new PipelineError('stage.out-of-memory', `${name} ran out of JavaScript heap${peak}`, {
      at,
      exit: failed,
      hint: 'work on less at a time, or raise the limit with NODE_OPTIONS=--max-old-space-size in a cmd: stage',
    });
  }
  const explained = explain?.();
  if (explained) return explained;
  if (ending.signal !== undefined) {
    const hint =
      ending.signal === 'SIGKILL'
        ? 'the system kills processes that use too much memory: see "dmesg"'
        : undefined;
    return new PipelineError('stage.killed', `${name} was killed by ${ending.signal}${peak}`, {
      at,
      exit: failed,
      hint,
    });
  }
  if (ending.exitCode !== 0) {
    return new PipelineError('stage.failed', `${name} exited with code ${ending.exitCode}`, {
      at,
      exit: failed,
      hint: 'its output above says why',
    });
  }
  return undefined;
}

function moduleFailed(
  stage: Stage,
  failure: { message: string },
  denial: PipelineError | undefined,
): PipelineError {
  if (denial) return denial;
  return new PipelineError('stage.failed', `stage "${stage.name}" failed: ${failure.message}`, {
    at: stage.at,
    exit: EXIT.failed,
  });
}

/** The first refusal that matters, as the line that is missing in pipeline.yaml. */
function denialOf(
  inputs: AttemptInputs,
  denied: readonly { permission: string; resource: string }[],
): PipelineError | undefined {
  for (const { permission, resource } of denied) {
    const below = relative(inputs.root, resource);
    const inside = below !== '' && !below.startsWith('..') && !below.startsWith(`.lockstep${sep}`);
    if (!inside || below.split(sep).includes('node_modules') || below.endsWith('package.json')) continue;
    const path = below.split(sep).join('/');
    const writes = permission === 'FileSystemWrite';
    const verb = writes ? 'writes' : 'reads';
    const name = inputs.stage.name;
    return new PipelineError(
      'stage.undeclared',
      `stage "${name}" ${verb} "${path}", which it does not declare`,
      {
        at: inputs.stage.at,
        exit: EXIT.failed,
        hint: writes
          ? `add "${path}" to the outs: of "${name}" and write to the path that the stage is given`
          : `add "${path}" to the deps: of "${name}"`,
      },
    );
  }
  return undefined;
}

function nodeArgs({
  root,
  stage,
  staging,
  code,
  packageFolders,
  conditions,
  own,
}: AttemptInputs): readonly string[] {
  const flags = [
    '--disable-warning=ExperimentalWarning',
    ...conditions.map((name) => `--conditions=${name}`),
  ];
  if (stage.action.kind !== 'module' || !stage.action.hermetic) return flags;
  const writable = [...staging.folders, compileCache(root)].map((folder) => join(folder, '*'));
  const deps = stage.deps.flatMap((dep) => [join(root, dep.path), join(root, dep.path, '*')]);
  const entry = [join(own.root, own.child), ...stageApi(root, own)];
  return [...flags, ...permissionArgs({ action: stage.action, code, packageFolders, deps, entry, writable })];
}

/** Files of our own package that a stage process loads. */
export interface OwnPackage {
  readonly root: string;
  /** The process's entry and the stage API, below `root`. */
  readonly child: string;
  readonly api: string;
}

/** The stage API by its real path and by the links under which the project finds it. */
function stageApi(root: string, own: OwnPackage): readonly string[] {
  const link = join(root, 'node_modules', 'lockstep-data');
  return [join(own.root, own.api), link, join(link, 'package.json'), join(link, own.api)];
}

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

function moduleEnv({ root, env, stage, staging }: AttemptInputs): Record<string, string> {
  return {
    ...pick(env, [...PASSED, ...CERTIFICATES, ...stage.env, ...stage.secrets]),
    NODE_COMPILE_CACHE: compileCache(root),
    ...fixedEnv(staging),
  };
}

function shellEnv({ root, env, stage, staging }: AttemptInputs): Record<string, string> {
  return {
    ...pick(env, Object.keys(env)),
    ...fixedEnv(staging),
    LOCKSTEP_ROOT: root,
    LOCKSTEP_STAGE: stage.name,
  };
}

function fixedEnv(staging: Staging): Record<string, string> {
  return { TZ: 'UTC', LC_ALL: 'C.UTF-8', TMPDIR: staging.temp, [MARK]: staging.id };
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

function redactorOf({ env, stage }: AttemptInputs): ReturnType<typeof createRedactor> {
  return createRedactor(stage.secrets.flatMap((name) => env[name] ?? []));
}

/** `{file, key: "a.b", value}` → `{ a: { b: value } }`; a file tracked whole is its own value. */
function nestParams(stage: Stage): Record<string, Json> {
  const nested: Record<string, Json> = {};
  for (const { key, value } of stage.params) {
    if (key === null) Object.assign(nested, value);
    else setPath(nested, key.split('.'), value);
  }
  return nested;
}

function setPath(target: Record<string, Json>, path: readonly string[], value: Json): void {
  const [head = '', ...rest] = path;
  if (rest.length === 0) target[head] = value;
  else {
    const below = { ...(target[head] as Record<string, Json> | undefined) };
    setPath(below, rest, value);
    target[head] = below;
  }
}
