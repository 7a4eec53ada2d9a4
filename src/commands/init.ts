import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import { guardedPart } from '../base/path.ts';
import { writeFileAtomic } from '../io/files.ts';
import { makeStateDir } from '../ground.ts';
import { printJson } from './command.ts';
import type { Command } from './command.ts';

const init: Command = {
  summary: 'Start a project in this folder: a first pipeline that runs',
  usage: '',
  flags: {},
  examples: ['mkdir prices && cd prices && lockstep init && lockstep repro'],
  maxArgs: 0,
  run: (context) => {
    const { dir } = context;
    const reserved = guardedPart(dir);
    if (reserved !== undefined)
      throw new PipelineError('path.reserved', `"${dir}" is in "${reserved}", where no project can be`, {
        hint: 'go to a folder of your own, or name it with -C',
      });
    for (const [file, hint] of Object.entries(TAKEN)) {
      if (existsSync(join(dir, file)))
        throw new PipelineError('init.exists', `"${file}" exists here already`, { hint });
    }
    const files: Record<string, string> = {
      'pipeline.yaml': pipelineText(nameOf(dir)),
      'params.yaml': PARAMS,
      // `.mts` is a module whatever package.json says of its `.ts` files.
      'stages/count.mts': COUNT,
      'words.txt': WORDS,
    };
    const made: string[] = [];
    for (const [file, text] of Object.entries(files)) {
      if (existsSync(join(dir, file))) continue;
      writeFileAtomic(join(dir, file), text, { durable: false });
      made.push(file);
    }
    makeStateDir(join(dir, '.lockstep'));
    if (context.json) printJson(context, { type: 'initialised', made });
    else
      context.print(
        `Made ${made.join(', ')}.\nNext: "lockstep repro" runs the pipeline; commit pipeline.lock with what made it.\n`,
      );
    return Promise.resolve(EXIT.ok);
  },
};

export default init;

const OWN =
  'the first pipeline would bring its own: run init in an empty folder, or write pipeline.yaml yourself';
/** What stands in the way, and what to do then. */
const TAKEN: Readonly<Record<string, string>> = {
  'pipeline.yaml': 'this folder has a project; see "lockstep status"',
  'pipeline.yml': 'rename it to pipeline.yaml; then see "lockstep status"',
  'params.yaml': OWN,
  'stages/count.mts': OWN,
};

/** A folder's name as a word that YAML takes for text. */
function nameOf(dir: string): string {
  const word = basename(dir).replaceAll(/[^A-Za-z0-9_-]/g, '-');
  if (word === '') return 'project';
  return /^[A-Za-z][\w-]*$/.test(word) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(word)
    ? word
    : `'${word}'`;
}

function pipelineText(name: string): string {
  return `# yaml-language-server: $schema=./node_modules/lockstep-data/schema/pipeline.schema.json
name: ${name}
params: [params.yaml]

stages:
  # Any shell command.
  sort:
    cmd: sort words.txt > sorted.txt
    deps: [words.txt]
    outs: [sorted.txt]

  # A TypeScript module: it reads its deps, writes its outs, and sees nothing else.
  count:
    run: stages/count.mts
    deps: { words: sorted.txt }
    params: [count]
    outs:
      counts: { path: counts.json, metric: true, cache: false }
`;
}

const PARAMS = `count:
  # Words shorter than this do not count.
  min_length: 1
`;

// Types alone are imported: the first project runs where the package is installed globally, too.
const COUNT = `import { readFileSync, writeFileSync } from 'node:fs';
import type { StageFunction } from 'lockstep-data';

const count: StageFunction<{ count: { min_length: number } }> = ({ deps, outs, params, log }) => {
  const words = readFileSync(deps['words']!, 'utf8').split('\\n');
  const counted = words.filter((word) => word.length >= params.count.min_length);
  const distinct = new Set(counted).size;
  writeFileSync(outs['counts']!, \`\${JSON.stringify({ words: counted.length, distinct }, null, 2)}\\n\`);
  log(\`\${counted.length} words\`);
};

export default count;
`;

const WORDS = `pear
apple
fig
apple
`;
