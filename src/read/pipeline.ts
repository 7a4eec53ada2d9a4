import pipelineSchema from '../../schema/pipeline.schema.json' with { type: 'json' };
import type { Problem } from '../base/error.ts';
import { parentsOf } from '../base/path.ts';
import type { DataInput, Location, Pipeline, Stage } from '../base/types.ts';
import { DEFAULT_PARAMS, readContext } from './context.ts';
import { readCronIn } from './cron.ts';
import { expandStages, type Instance } from './expand.ts';
import { createFiles, type Files, type Load } from './files.ts';
import { readPath } from './paths.ts';
import { createReport, type Report } from './report.ts';
import type { Scope } from './scope.ts';
import { checkStageName } from './stage-name.ts';
import { readStage } from './stage.ts';
import { PIPELINE_SYNONYMS } from './synonyms.ts';
import { interpolate, type Place } from './template.ts';
import {
  child,
  entriesOf,
  type Entry,
  flagOf,
  itemsOf,
  type MapTree,
  numberOf,
  textOf,
  type Tree,
} from './tree.ts';
import { createValidate } from './validate.ts';

/** The file that owns the graph, at the root of the project. */
export const PIPELINE_FILE = 'pipeline.yaml';

/** The result of a reading: a pipeline or else at least one problem, and every file that was asked for. */
export interface PipelineReading {
  readonly pipeline: Pipeline | undefined;
  readonly problems: readonly Problem[];
  /** Paths relative to the project root in the order they were asked for, missing files included. */
  readonly files: readonly string[];
}

/** Keys of the top in whose values `${…}` is replaced, and what these are. */
const TEMPLATED: ReadonlyMap<string, Place> = new Map([
  ['name', 'text'],
  ['data', 'text'],
  ['pools', 'any'],
  ['schedule', 'any'],
]);

const validate = createValidate(pipelineSchema, {
  area: 'pipeline',
  item: 'stage',
  synonyms: PIPELINE_SYNONYMS,
});

/**
 * Reads pipeline.yaml and the params files it names into a `Pipeline`, every value with its place.
 *
 * Never throws for what a user wrote: all problems of all files are told at once, in the order of the text. `load`
 * takes a path relative to the project root and gives `undefined` for a file that does not exist.
 */
export function readPipeline({ load }: { readonly load: Load }): PipelineReading {
  const report = createReport();
  const files = createFiles(load, report);
  const pipeline = read(files, report);
  const problems = report.problems(files.consulted());
  return { pipeline: problems.length === 0 ? pipeline : undefined, problems, files: files.consulted() };
}

function read(files: Files, report: Report): Pipeline | undefined {
  if (!files.exists(PIPELINE_FILE)) {
    // It was there when the project was looked for.
    report.add('project.none', `there is no ${PIPELINE_FILE} here any more`, { hint: 'bring it back' });
    return undefined;
  }
  const root = files.tree(PIPELINE_FILE);
  if (root === undefined) return undefined;
  if (root.kind !== 'map') {
    const empty = root.kind === 'scalar' && root.value === null;
    const message = empty ? `${PIPELINE_FILE} is empty` : `${PIPELINE_FILE}: expected a map`;
    report.add(empty ? 'pipeline.empty' : 'pipeline.type', message, {
      at: root.at,
      hint: 'begin with "stages:"',
    });
    return undefined;
  }
  const context = readContext(root, files, report);
  const stages = child(root, 'stages');
  if (stages?.kind === 'map') for (const entry of stages.entries.values()) checkStageName(entry, report);
  const instances = stages?.kind === 'map' ? expandStages(stages, context.scope, report) : [];
  const expanded = expandRoot(root, instances, context.scope, report);
  validate(expanded, report);
  const pools = readPools(expanded);
  const isKnown = (child(expanded, 'pools')?.kind ?? 'map') === 'map';
  const input = { context, files, ...(isKnown && { pools: Object.keys(pools) }) };
  // For schedulers around Lockstep: it is only checked.
  readCronIn(child(expanded, 'schedule'), report);
  const all = instances.flatMap((instance) => readStage(instance, input, report) ?? []);
  const named = new Map(files.named());
  if (child(root, 'params') === undefined) named.set(DEFAULT_PARAMS, named.get(DEFAULT_PARAMS));
  checkMadeParams(named, all, report);
  return {
    name: textOf(child(expanded, 'name'))?.value ?? 'pipeline',
    hash: textOf(child(expanded, 'hash'))?.value === 'md5' ? 'md5' : 'sha256',
    stages: all,
    data: readData(expanded, report),
    pools,
  };
}

/** Values are taken from a params file before any stage has run: from one that a stage makes, they would be old ones. */
function checkMadeParams(
  named: ReadonlyMap<string, Location | undefined>,
  stages: readonly Stage[],
  report: Report,
): void {
  /** Path → the params files that it is, or that are in it. */
  const files = Map.groupBy(
    [...named.keys()].flatMap((file) => [file, ...parentsOf(file)].map((path) => ({ path, file }))),
    ({ path }) => path,
  );
  for (const stage of stages)
    for (const out of stage.outs)
      for (const { file } of files.get(out.path) ?? []) {
        const at = named.get(file);
        report.add(
          'params.is-out',
          `parameters are read from "${file}", but stage "${stage.name}" makes "${out.path}"`,
          {
            at: at ? [at, out.at] : out.at,
            hint: 'they are read before any stage runs: list it under "deps" and read it in the stage',
          },
        );
      }
}

/** The file as it is after templates, `foreach` and `matrix`: what the schema describes. */
function expandRoot(root: MapTree, instances: readonly Instance[], scope: Scope, report: Report): MapTree {
  const entries = new Map<string, Entry>();
  for (const entry of root.entries.values()) {
    const place = TEMPLATED.get(entry.key);
    const value = place === undefined ? entry.value : interpolate(entry.value, scope, report, place);
    entries.set(entry.key, { ...entry, value });
  }
  const stages = root.entries.get('stages');
  if (stages?.value.kind === 'map') {
    const bodies = new Map(
      instances.map(({ name, at, body }): [string, Entry] => [name, { key: name, keyAt: at, value: body }]),
    );
    entries.set('stages', { ...stages, value: { kind: 'map', entries: bodies, at: stages.value.at } });
  }
  return { kind: 'map', entries, at: root.at };
}

function readPools(root: Tree): Readonly<Record<string, number>> {
  return Object.fromEntries(
    entriesOf(child(root, 'pools')).map(({ key, value }) => [key, numberOf(value) ?? 1]),
  );
}

function readData(root: Tree, report: Report): readonly DataInput[] {
  const data = new Map<string, DataInput>();
  for (const item of itemsOf(child(root, 'data'))) {
    const flags = item.kind === 'map' ? item : undefined;
    const read = readPath(
      flags ? child(flags, 'path') : item,
      { wdir: '.', what: 'data path', writes: true },
      report,
    );
    if (read === undefined) continue;
    const twin = data.get(read.path);
    if (twin) report.add('data.twice', `"${read.path}" is listed twice`, { at: [read.text.at, twin.at] });
    const remote = textOf(child(flags, 'remote'))?.value;
    data.set(read.path, {
      path: read.path,
      push: flagOf(child(flags, 'push'), true),
      ...(remote !== undefined && { remote }),
      at: read.text.at,
    });
  }
  checkNesting(data, report);
  return [...data.values()];
}

/** One hash for the folder and another for a file of it: the lock cannot hold both. */
function checkNesting(data: ReadonlyMap<string, DataInput>, report: Report): void {
  for (const { path, at } of data.values()) {
    for (const folder of parentsOf(path)) {
      const around = data.get(folder);
      if (!around) continue;
      report.add('data.nested', `"${path}" lies inside "${folder}", which is listed too`, {
        at: [at, around.at],
        hint: `take "${path}" out of data: "${folder}" is tracked with all that is in it`,
      });
    }
  }
}
