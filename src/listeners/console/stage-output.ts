import { createOutputLines } from './output-lines.ts';
import type { OutputLines } from './output-lines.ts';
import type { Style } from './style.ts';
import { createTail } from './tail.ts';
import type { Tail } from './tail.ts';

/** The output of all stages: lines with their stage's name before them, and the end of each remembered. */
export interface StageOutput {
  add(stage: string, stream: string, chunk: string): void;
  /** Shows lines that have not ended. */
  end(stage: string): void;
  endAll(): void;
  /** Lets go of what is remembered. */
  forget(stage: string): void;
  last(stage: string, count: number): readonly string[];
}

export interface StageOutputOptions {
  readonly style: Style;
  readonly print: (text: string) => void;
  /** What stands before each line, without its trailing blank. */
  readonly prefix: (stage: string) => string;
}

interface Known {
  readonly streams: Map<string, OutputLines>;
  readonly tail: Tail;
}

export function createStageOutput({ style, print, prefix }: StageOutputOptions): StageOutput {
  const stages = new Map<string, Known>();
  const open = (stage: string): Known => {
    const known = stages.get(stage) ?? { streams: new Map<string, OutputLines>(), tail: createTail() };
    stages.set(stage, known);
    return known;
  };
  const show = (stage: string, tail: Tail, lines: string): void => {
    tail.add(lines);
    const head = `${style.paint(prefix(stage), 'dim')} `;
    print(`${head}${lines.includes('\n') ? lines.replaceAll('\n', `\n${head}`) : lines}\n`);
  };
  const end = (stage: string): void => {
    const known = stages.get(stage);
    if (!known) return;
    for (const stream of known.streams.values()) {
      const rest = stream.end();
      if (rest !== undefined) show(stage, known.tail, rest);
    }
  };
  return {
    add(stage, streamName, chunk) {
      const { streams, tail } = open(stage);
      const stream = streams.get(streamName) ?? createOutputLines(style.colour);
      streams.set(streamName, stream);
      const lines = stream.push(chunk);
      if (lines !== undefined) show(stage, tail, lines);
    },
    end,
    endAll() {
      for (const stage of stages.keys()) end(stage);
    },
    forget: (stage) => void stages.delete(stage),
    last: (stage, count) => stages.get(stage)?.tail.last(count) ?? [],
  };
}
