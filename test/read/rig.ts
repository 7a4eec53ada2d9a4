import type { Problem } from '../../src/base/error.ts';
import { formatProblems } from '../../src/base/problem-text.ts';
import type { Pipeline, Stage } from '../../src/base/types.ts';
import type { Load } from '../../src/read/files.ts';
import { readPipeline, type PipelineReading } from '../../src/read/pipeline.ts';

/** Files of a project by path; a text stands for its UTF-8 bytes. */
export type Project = Readonly<Record<string, string | Uint8Array>>;

/** The `load` of a project that is only in memory. */
export function toLoad(project: Project): Load {
  return (path) => {
    const content = Object.hasOwn(project, path) ? project[path] : undefined;
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
}

/** Reads a pipeline.yaml and the files beside it. */
export function read(pipeline: string, others: Project = {}): PipelineReading {
  return readPipeline({ load: toLoad({ 'pipeline.yaml': pipeline, ...others }) });
}

/** The pipeline of files that must be valid; a problem fails the test with its text. */
export function pipelineOf(pipeline: string, others: Project = {}): Pipeline {
  const reading = read(pipeline, others);
  if (reading.pipeline === undefined) throw new Error(formatProblems(reading.problems, () => undefined));
  return reading.pipeline;
}

/** The only stage of a pipeline, from the lines below its name. */
export function stageOf(body: string, others: Project = {}): Stage {
  const lines = body.trim().split('\n');
  const indent = /^ */.exec(body.replace(/^\n/, ''))?.[0].length ?? 0;
  const text = lines.map((line, i) => `    ${i === 0 ? line.trimStart() : line.slice(indent)}`).join('\n');
  const [stage] = pipelineOf(`stages:\n  one:\n${text}\n`, others).stages;
  if (stage === undefined) throw new Error('no stage');
  return stage;
}

/** Problems in short: `code line:column`, of the main place. */
export function brief(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, at }) => (at?.[0] ? `${code} ${at[0].line}:${at[0].column}` : code));
}
