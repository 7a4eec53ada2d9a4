import { byCodeUnit } from '../base/path.ts';
import { didYouMean, suggest } from '../base/text.ts';
import type { Action, ModuleAction, Policy, RelPath, Stage, StageName } from '../base/types.ts';
import type { Context } from './context.ts';
import type { Instance } from './expand.ts';
import { durationOf, readNames } from './fields.ts';
import type { Files } from './files.ts';
import { readGates } from './gates.ts';
import { readDeps, readOuts } from './outs.ts';
import { readParams } from './params.ts';
import { readPath } from './paths.ts';
import { readRefresh } from './refresh.ts';
import type { Report } from './report.ts';
import { PIPELINE_SYNONYMS, synonymOf } from './synonyms.ts';
import { child, flagOf, itemsOf, type MapTree, numberOf, textOf } from './tree.ts';

/** What a stage can refer to outside its own body. */
export interface StageInput {
  readonly context: Context;
  readonly files: Files;
  /** Absent when what stands there cannot be read, which has been told. */
  readonly pools?: readonly string[];
}

/**
 * One stage from its expanded body. `undefined` when it has nothing to run; whatever else is wrong goes to the report
 * beside what the schema has told, and the value is then a default that nobody uses.
 */
export function readStage(instance: Instance, input: StageInput, report: Report): Stage | undefined {
  const { name, at, body } = instance;
  if (body.kind !== 'map') return undefined;
  const wdir = readWdir(body, report);
  const action = readAction(instance, body, wdir, report);
  const read = readOuts(body, wdir, report);
  const deps = readDeps(body, wdir, report);
  const module = body.entries.has('run');
  const params = readParams(
    body,
    { stage: name, wdir, module, context: input.context, files: input.files },
    report,
  );
  const refresh = readRefresh(child(body, 'refresh'), name, body.entries.get('refresh')?.keyAt ?? at, report);
  const policy = readPolicy(instance, body, input, report);
  const gates = readGates(child(body, 'gates'), read, wdir, report);
  const env = readNames(itemsOf(child(body, 'env')), 'env', report);
  const secrets = readNames(itemsOf(child(body, 'secrets')), 'secrets', report);
  for (const item of itemsOf(child(body, 'secrets'))) {
    const both = textOf(item);
    if (both && env.includes(both.value)) {
      report.add('env.both', `"${both.value}" stands under "env" and under "secrets"`, {
        at: both.at,
        hint: 'keep "env" if its value may change the outs',
      });
    }
  }
  if (action === undefined) return undefined;
  return {
    name: name as StageName,
    action,
    deps,
    params,
    outs: read.outs,
    env,
    secrets,
    ...(refresh && { refresh }),
    policy: { ...policy, gates },
    at,
  };
}

function readWdir(body: MapTree, report: Report): RelPath | '.' {
  const tree = child(body, 'wdir');
  if (/^\.(\/\.?)*$/.test(textOf(tree)?.value ?? '.')) return '.';
  return readPath(tree, { wdir: '.', what: 'wdir' }, report)?.path ?? '.';
}

function readAction(
  { name, at }: Instance,
  body: MapTree,
  wdir: RelPath | '.',
  report: Report,
): Action | undefined {
  const run = body.entries.get('run');
  const cmd = body.entries.get('cmd');
  if (!run === !cmd) {
    if (!run && [...body.entries.keys()].some(meansAction)) return undefined;
    const message = run ? 'has both "run" and "cmd"' : 'has neither "run" nor "cmd"';
    const hint = run
      ? 'keep one of them'
      : 'give it "run: stages/….ts" for a module or "cmd:" for a shell command';
    report.add('stage.action', `stage "${name}" ${message}`, {
      at: run && cmd ? [cmd.keyAt, run.keyAt] : at,
      hint,
    });
    return undefined;
  }
  if (run) return readModule(body, wdir, report);
  for (const key of ['hermetic', 'allow']) {
    const entry = body.entries.get(key);
    if (entry)
      report.add('stage.action', `"${key}" belongs to "run", and stage "${name}" has "cmd"`, {
        at: entry.keyAt,
        hint: 'remove it: a shell command has no permission model',
      });
  }
  const text = textOf(cmd?.value);
  const list = itemsOf(cmd?.value).flatMap((item) => textOf(item) ?? []);
  for (const { value, at: place } of text ? [text] : list)
    if (value.includes('\0'))
      report.add('pipeline.value', `a command of stage "${name}" has a NUL character, which no shell takes`, {
        at: place,
        hint: 'in double quotes "\\0" is that character: write "\\\\0", or use single quotes',
      });
  const command = text?.value ?? (cmd?.value.kind === 'list' ? list.map(({ value }) => value) : undefined);
  return command === undefined ? undefined : { kind: 'shell', cmd: command, wdir };
}

/** A misspelt or foreign `run` or `cmd`, about which the schema has said enough. */
function meansAction(key: string): boolean {
  const meant = synonymOf(key, PIPELINE_SYNONYMS) ?? suggest(key, ['run', 'cmd']);
  return meant === 'run' || meant === 'cmd';
}

function readModule(body: MapTree, wdir: string, report: Report): ModuleAction | undefined {
  const read = readPath(child(body, 'run'), { wdir, what: 'module' }, report);
  if (read === undefined) return undefined;
  if (!/\.(ts|mts|js|mjs)$/.test(read.path)) {
    report.add('stage.module', `"${read.text.value}" is no module`, {
      at: read.text.at,
      hint: '"run" takes a .ts, .mts, .js or .mjs file; for anything else use "cmd"',
    });
    return undefined;
  }
  const allow = new Set(itemsOf(child(body, 'allow')).flatMap((item) => textOf(item)?.value ?? []));
  return {
    kind: 'module',
    path: read.path,
    at: read.text.at,
    hermetic: flagOf(child(body, 'hermetic'), true),
    allow: [...allow].sort(byCodeUnit) as ModuleAction['allow'],
  };
}

function readPolicy(
  { name, at }: Instance,
  body: MapTree,
  input: StageInput,
  report: Report,
): Omit<Policy, 'gates'> {
  const frozen = flagOf(child(body, 'frozen'), false);
  const always = flagOf(child(body, 'always'), false);
  if (frozen && always) {
    const places = ['always', 'frozen'].map((key) => body.entries.get(key)?.keyAt ?? at);
    report.add('stage.frozen-always', `stage "${name}" is both "frozen" and "always"`, {
      at: places,
      hint: 'keep one of them',
    });
  }
  const pool = textOf(child(body, 'pool'));
  if (pool && input.pools && !input.pools.includes(pool.value)) {
    const hint = didYouMean(pool.value, input.pools) ?? `declare it at the top: pools: {${pool.value}: 1}`;
    report.add('stage.pool', `no pool is called "${pool.value}"`, { at: pool.at, hint });
  }
  const retry = child(body, 'retry');
  const timeoutMs = durationOf(child(body, 'timeout'), report, '"timeout"');
  return {
    frozen,
    always,
    retry: {
      attempts: numberOf(child(retry, 'attempts')) ?? 1,
      delayMs: durationOf(child(retry, 'delay'), report) ?? 1000,
      factor: numberOf(child(retry, 'factor')) ?? 2,
    },
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(pool && { pool: pool.value }),
  };
}
