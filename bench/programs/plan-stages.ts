import type * as Graphs from '../../src/plan/graph.ts';
import type * as Plans from '../../src/plan/plan.ts';
import type { Pipeline, RelPath, Stage, StageName } from '../../src/base/types.ts';

/**
 * Builds the graph of a pipeline of so many stages, two deps each, plans it, and prints the milliseconds both took. The
 * functions are those of the built command, named by the path of its `cli.js`.
 */
const [cli = '', stages = ''] = process.argv.slice(2);
const { buildGraph, makePlan } = (await import(cli)) as typeof Graphs & typeof Plans;
const count = Number(stages);
const at = { file: 'pipeline.yaml', line: 1, column: 1, length: 1 };
const pipeline: Pipeline = {
  name: 'large',
  hash: 'sha256',
  data: [],
  pools: {},
  stages: Array.from({ length: count }, (_, index): Stage => ({
    name: `s${index}` as StageName,
    action: { kind: 'shell', cmd: `./step ${index}`, wdir: '.' },
    deps: [index - 1, index - 100]
      .filter((above) => above >= 0)
      .map((above) => ({ path: pathOf(above), at })),
    params: [],
    outs: [
      {
        path: pathOf(index),
        folder: false,
        cache: true,
        persist: false,
        push: true,
        metric: false,
        at,
      },
    ],
    env: [],
    secrets: [],
    policy: { frozen: false, always: false, retry: { attempts: 1, delayMs: 1000, factor: 2 }, gates: [] },
    at,
  })),
};
const start = performance.now();
const { graph } = buildGraph(pipeline);
if (!graph) throw new Error('the pipeline has problems');
const { judgements } = makePlan(
  graph,
  { stages: new Set(graph.order), forced: new Set() },
  {
    depHash: () => undefined,
    seenOut: () => ({ kind: 'missing' }),
    lookInside: () => undefined,
    codeOf: () => undefined,
    envOf: () => ({}),
    tickOf: () => undefined,
    locked: () => undefined,
    recall: () => undefined,
    isAvailable: () => false,
    isListed: () => false,
  },
);
const ms = performance.now() - start;
const verdicts = Map.groupBy(judgements, ({ decision }) => decision.verdict);
const told = [...verdicts].map(([verdict, list]) => `${list.length} ${verdict}`).sort();
process.stdout.write(`${JSON.stringify({ ms, told: told.join(', ') })}\n`);

function pathOf(index: number): RelPath {
  return `out/${index}.txt` as RelPath;
}
