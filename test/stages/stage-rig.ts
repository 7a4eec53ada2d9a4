import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { TestContext } from 'node:test';
import type { Json, StageFunction } from 'lockstep-data';

interface StageText {
  readonly run: string;
  readonly deps?: Readonly<Record<string, string>>;
  readonly params: readonly string[];
  readonly outs: Readonly<Record<string, string | { readonly path: string }>>;
}

/** A change of one parameter, by dotted path. */
export type Changes = Readonly<Record<string, Json>>;

/** The stages of the project's own pipeline.yaml, run by hand in a temporary folder. */
export interface StageRig {
  /** Runs one stage; missing parameters and outs are as wrong here as in a real run. */
  run(
    name: string,
    options?: { readonly now?: string; readonly changes?: Changes; readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Absolute path of a dep or out by its path in pipeline.yaml. */
  path(relative: string): string;
  readText(relative: string): Promise<string>;
  readonly told: string[];
}

const root = join(import.meta.dirname, '..', '..');

/** A rig of its own; its folder goes when the test ends. */
export async function createStageRig(t: TestContext): Promise<StageRig> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-stages-'));
  t.after(() => rm(folder, { recursive: true }));
  const read = async (name: string): Promise<unknown> => parse(await readFile(join(root, name), 'utf8'));
  const { stages } = (await read('pipeline.yaml')) as {
    readonly stages: Readonly<Record<string, StageText>>;
  };
  const allParams = (await read('params.yaml')) as Record<string, Json>;
  const told: string[] = [];
  const path = (relative: string): string => join(folder, relative);
  return {
    path,
    told,
    readText: (relative) => readFile(path(relative), 'utf8'),
    async run(
      name,
      { now = '1970-01-01T00:00:00Z', changes = {}, signal = new AbortController().signal } = {},
    ) {
      const stage = stages[name];
      if (stage === undefined) throw new Error(`pipeline.yaml has no stage ${name}`);
      const outs: Record<string, string> = {};
      for (const [key, out] of Object.entries(stage.outs)) {
        const relative = typeof out === 'string' ? out : out.path;
        outs[key] = path(relative);
        await rm(outs[key], { recursive: true, force: true });
        await mkdir(relative.endsWith('/') ? outs[key] : dirname(outs[key]), { recursive: true });
      }
      const params: Record<string, Json> = {};
      for (const key of stage.params) setAt(params, key, getAt(allParams, key));
      for (const [key, value] of Object.entries(changes)) setAt(params, key, value);
      const { default: run } = (await import(join(root, stage.run))) as { default: StageFunction };
      await run({
        deps: Object.fromEntries(Object.entries(stage.deps ?? {}).map(([key, dep]) => [key, path(dep)])),
        outs,
        params,
        env: {},
        now: new Date(now),
        signal,
        log: (message) => told.push(message),
        progress: () => undefined,
      });
    },
  };
}

function getAt(values: Record<string, Json>, path: string): Json {
  const found = path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], values);
  if (found === undefined) throw new Error(`params.yaml has no ${path}`);
  return structuredClone(found) as Json;
}

function setAt(values: Record<string, Json>, path: string, value: Json): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at: Record<string, unknown> = values;
  for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>;
  at[last] = value;
}
