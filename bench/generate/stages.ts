import { createRandom } from './random.ts';

/** Files of a project, by path. */
export type Files = Readonly<Record<string, string>>;

/** One step of a generated pipeline: it joins its own input and, below the first layer, the out of another step. */
export interface Step {
  readonly id: string;
  /** The step whose out it reads. */
  readonly above: string | undefined;
}

/** Steps in ten layers; each reads what the step above it made. */
export function generateSteps(count: number): readonly Step[] {
  const layer = Math.ceil(count / 10);
  const id = (index: number): string => `s${String(index).padStart(5, '0')}`;
  return Array.from({ length: count }, (_, index) => ({
    id: id(index),
    above: index < layer ? undefined : id(index - layer),
  }));
}

/** The inputs of all steps, 1 KiB of random letters each, below `in/`. */
export function inputsOf(steps: readonly Step[]): Files {
  const random = createRandom(7);
  const line = (): string =>
    Array.from({ length: 63 }, () => String.fromCharCode(97 + random.below(26))).join('');
  return Object.fromEntries(
    steps.map(({ id }) => [`in/${id}.txt`, Array.from({ length: 16 }, () => `${line()}\n`).join('')]),
  );
}

/** The shell line of a step, the same for every runner. */
export function commandOf({ id, above }: Step): string {
  const inputs = above === undefined ? `in/${id}.txt` : `in/${id}.txt out/${above}.txt`;
  return `cat ${inputs} > out/${id}.txt`;
}

/** The steps for Lockstep; each depends on one key of params.yaml. */
export function lockstepFiles(steps: readonly Step[]): Files {
  const stage = (step: Step): string => {
    const deps = [`in/${step.id}.txt`, ...(step.above === undefined ? [] : [`out/${step.above}.txt`])];
    return `  ${step.id}:\n    cmd: ${commandOf(step)}\n    deps: [${deps.join(', ')}]\n    params: [${step.id}.rate]\n    outs: [out/${step.id}.txt]\n`;
  };
  return {
    ...inputsOf(steps),
    'pipeline.yaml': `stages:\n${steps.map(stage).join('')}`,
    'params.yaml': steps.map(({ id }, index) => `${id}: { rate: ${index} }\n`).join(''),
  };
}

/** The steps for ninja and for make. */
export function buildFileFiles(steps: readonly Step[]): Files {
  const deps = ({ id, above }: Step): string =>
    above === undefined ? `in/${id}.txt` : `in/${id}.txt out/${above}.txt`;
  const outs = steps.map(({ id }) => `out/${id}.txt`).join(' ');
  return {
    ...inputsOf(steps),
    'out/.keep': '',
    'build.ninja': `rule join\n  command = cat $in > $out\n${steps.map((step) => `build out/${step.id}.txt: join ${deps(step)}\n`).join('')}build all: phony ${outs}\ndefault all\n`,
    Makefile: `all: ${outs}\n${steps.map((step) => `out/${step.id}.txt: ${deps(step)}\n\t@cat $^ > $@\n`).join('')}`,
  };
}

/** The steps for wireit: scripts of one package. */
export function wireitFiles(steps: readonly Step[]): Files {
  const scripts = Object.fromEntries([...steps.map(({ id }) => [id, 'wireit']), ['all', 'wireit']]);
  const wireit = Object.fromEntries([
    ...steps.map((step) => [
      step.id,
      {
        command: commandOf(step),
        files: [`in/${step.id}.txt`],
        output: [`out/${step.id}.txt`],
        ...(step.above !== undefined && { dependencies: [step.above] }),
      },
    ]),
    ['all', { dependencies: steps.map(({ id }) => id) }],
  ]);
  return {
    ...inputsOf(steps),
    'out/.keep': '',
    'package.json': JSON.stringify({ name: 'steps', private: true, scripts, wireit }),
  };
}

/** The steps for turbo: a package each, as turbo wants it. */
export function turboFiles(steps: readonly Step[]): Files {
  const files: Record<string, string> = {
    'package.json': JSON.stringify({
      name: 'steps',
      private: true,
      packageManager: 'npm@11.0.0',
      workspaces: ['packages/*'],
    }),
    'turbo.json': JSON.stringify({
      tasks: { build: { dependsOn: ['^build'], inputs: ['in.txt', 'package.json'], outputs: ['out.txt'] } },
    }),
  };
  const inputs = inputsOf(steps);
  for (const { id, above } of steps) {
    files[`packages/${id}/in.txt`] = inputs[`in/${id}.txt`] ?? '';
    files[`packages/${id}/package.json`] = JSON.stringify({
      name: id,
      version: '1.0.0',
      scripts: { build: `cat in.txt${above === undefined ? '' : ` ../${above}/out.txt`} > out.txt` },
      ...(above !== undefined && { dependencies: { [above]: '1.0.0' } }),
    });
  }
  return files;
}
