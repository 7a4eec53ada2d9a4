import { join, relative, resolve } from 'node:path';
import { type Document, isMap, parseDocument } from 'yaml';
import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode, Problem } from '../base/error.ts';
import { didYouMean, visible } from '../base/text.ts';
import { toPlace } from '../transfer/use-remote.ts';
import { readIfExists, writeFileAtomic } from '../io/files.ts';
import { findRoot } from '../ground.ts';
import { REMOTES_FILE, readRemotes } from '../read/remotes.ts';
import { isSet, printJson } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { checkNamed } from './remote-check.ts';
import { loadRemotes } from './remotes.ts';

const ACTIONS = ['list', 'add', 'check'];

const remote: Command = {
  summary: 'List, add and check the remotes of remotes.yaml',
  usage: 'list | add NAME URL | check [NAME]',
  flags: {
    default: { type: 'boolean', help: 'add: make it the default remote' },
    force: { type: 'boolean', short: 'f', help: 'add: replace a remote of that name' },
  },
  examples: [
    'lockstep remote list',
    'lockstep remote check',
    'lockstep remote add cloud gs://my-bucket/sensex --default',
    'lockstep remote add nas /mnt/nas/lockstep',
  ],
  complete: async ([action, ...rest], names) => {
    if (action === undefined) return ACTIONS;
    return action === 'check' && rest.length === 0 ? (await names()).remotes : [];
  },
  run: async (context) => {
    const [action = 'list', ...rest] = context.args;
    if (action === 'list' && rest.length === 0) return list(context);
    if (action === 'add') return add(context, rest);
    if (action === 'check') return checkNamed(context, rest);
    const word = action === 'list' ? (rest[0] ?? '') : action;
    throw new PipelineError('cli.arguments', `"lockstep remote" does not know what to do with "${word}"`, {
      hint: action === 'list' ? 'see "lockstep remote --help"' : didYouMean(action, ACTIONS),
    });
  },
};

export default remote;

async function list(context: CommandContext): Promise<ExitCode> {
  const { remotes, default: chosen } = await loadRemotes(context, findRoot(context.dir));
  const all = Object.values(remotes);
  if (context.json)
    for (const { name, shown } of all) printJson(context, { name, url: shown, default: name === chosen });
  else if (all.length === 0)
    context.print('This project has no remote; add one with "lockstep remote add NAME URL".\n');
  else {
    const width = Math.max(...all.map(({ name }) => name.length));
    for (const { name, shown } of all)
      context.print(`${name.padEnd(width)}  ${visible(shown)}${name === chosen ? '  (default)' : ''}\n`);
  }
  return EXIT.ok;
}

/** Edits remotes.yaml in place: comments and everything else stay. The result is read back before it is written. */
async function add(context: CommandContext, [name, url, ...rest]: readonly string[]): Promise<ExitCode> {
  if (name === undefined || url === undefined || rest.length > 0) {
    throw new PipelineError('cli.arguments', '"lockstep remote add" takes a name and a url', {
      hint: 'for example: lockstep remote add storage gs://my-bucket/path',
    });
  }
  const root = findRoot(context.dir);
  const path = join(root, REMOTES_FILE);
  const place = placeOf(url, context.dir, root);
  const before = readIfExists(path)?.toString('utf8') ?? '';
  if (before !== '') await loadRemotes(context, root);
  // As lenient as the reader, which has found it right.
  const document = parseDocument(before, { uniqueKeys: false, merge: true });
  if (document.hasIn(['remotes', name]) && !isSet(context, 'force')) {
    throw new PipelineError('remote.exists', `there is a remote "${name}" already`, {
      hint: 'replace it with --force',
    });
  }
  // An empty file, or a null.
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  const first = !document.has('remotes');
  if (isSet(context, 'default') || (first && !document.has('default'))) document.set('default', name);
  document.setIn(['remotes', name], document.createNode({ url: place }));
  const text = textOf(document, name);
  await refuseInvalid(context, { root, name, text });
  writeFileAtomic(path, text, { durable: true });
  if (context.json) printJson(context, { type: 'remote-added', name, url: place });
  else context.print(`Added the remote "${name}" to ${REMOTES_FILE}.\n`);
  return EXIT.ok;
}

/** Throws `yaml.alias` where what is replaced has an anchor that stands for something elsewhere, too. */
function textOf(document: Document, name: string): string {
  try {
    return document.toString({ flowCollectionPadding: true });
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('Unresolved alias')) throw error;
    throw new PipelineError(
      'yaml.alias',
      `an alias elsewhere in ${REMOTES_FILE} names what the remote "${name}" holds`,
      {
        hint: `change "${name}" in the file itself`,
        cause: error,
      },
    );
  }
}

async function refuseInvalid(
  { env }: CommandContext,
  { root, name, text }: { readonly root: string; readonly name: string; readonly text: string },
): Promise<void> {
  const { remotes, problems } = readRemotes({
    load: (file) => (file === REMOTES_FILE ? Buffer.from(text) : undefined),
    env: (variable) => env[variable],
  });
  // They stand in a text that was never written, so there is no place to point to.
  const refuse = (all: readonly Problem[]): never => {
    throw PipelineError.of(all.map(({ at: _, ...problem }) => problem));
  };
  if (problems.length > 0) refuse(problems);
  const config = remotes?.remotes[name];
  // With a variable that is not set yet nobody knows what it means.
  if (!config || config.problem) return;
  const { readTaken } = await import('./taken.ts');
  try {
    toPlace(config, { root, home: env['HOME'], taken: readTaken(root) });
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    refuse(error.problems);
  }
}

/** A relative folder is meant from where the command works, and written from where remotes.yaml lies. */
function placeOf(url: string, dir: string, root: string): string {
  if (dir === root || /^([a-z][a-z0-9+.-]*:|\/|~|\$\{)/i.test(url)) return url;
  return relative(root, resolve(dir, url)) || '.';
}
