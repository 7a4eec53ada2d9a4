import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after } from 'node:test';
import { parse } from 'yaml';
import { CLI, REPOSITORY, cleanEnv } from './rig.ts';

/** The parts of a workflow that tests look at. */
export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly concurrency: { readonly group: string; readonly 'cancel-in-progress': boolean };
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> };
  readonly steps: readonly Step[];
}

export interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** One step that ran: its exit code and what it printed, both streams together. */
export interface StepRan {
  readonly name: string;
  readonly code: number | null;
  readonly output: string;
}

/** What GitHub would put in for expressions, and the variables it sets. */
export interface Trigger {
  readonly event: 'schedule' | 'workflow_dispatch';
  readonly branch: string;
  readonly key?: string;
  readonly folderId?: string;
  /** Which run of the workflow it is; 1 when absent. */
  readonly runNumber?: number;
  /** Called before the step of that name. */
  readonly before?: Readonly<Record<string, () => void>>;
}

/** A repository on "GitHub" that a workflow runs against, each time in a fresh checkout. */
export interface Sandbox {
  readonly root: string;
  readonly temp: string;
  git(args: readonly string[]): string;
  /** Commits files to a branch of the origin, as another person would. */
  commit(branch: string, files: Readonly<Record<string, string>>): void;
  /** Runs the steps as GitHub does, up to the first that fails. */
  run(workflow: Workflow, trigger: Trigger): readonly StepRan[];
}

/** Reads a workflow of this project by its name. */
export function readWorkflow(name: string): Workflow {
  return parse(readFileSync(join(REPOSITORY, '.github', 'workflows', `${name}.yml`), 'utf8')) as Workflow;
}

/** Makes an origin whose branch `main` holds the files. It is removed after the test file. */
export function createSandbox(files: Readonly<Record<string, string>>): Sandbox {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-workflow-')));
  after(() => rmSync(root, { recursive: true, force: true }));
  const origin = join(root, 'origin.git');
  const temp = join(root, 'temp');
  mkdirSync(temp);
  const bin = join(root, 'bin');
  mkdirSync(bin);
  // npm's own npx takes longer to start than a whole run of this pipeline; the package's test goes through it.
  writeFileSync(join(bin, 'npx'), '#!/bin/sh\nname=$1\nshift\nexec "node_modules/.bin/$name" "$@"\n', {
    mode: 0o755,
  });
  const path = [bin, dirname(process.execPath), process.env['PATH']].join(delimiter);
  const env = cleanEnv({ PATH: path });
  const gitIn = (cwd: string, args: readonly string[]): string =>
    execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const other = join(root, 'other');
  gitIn(root, ['init', '-q', '--bare', '-b', 'main', origin]);
  gitIn(root, ['clone', '-q', origin, other]);
  let checkouts = 0;

  function commit(branch: string, changed: Readonly<Record<string, string>>): void {
    const isNew = gitIn(other, ['ls-remote', 'origin', branch]) === '';
    gitIn(other, ['fetch', '-q', 'origin']);
    gitIn(other, ['checkout', '-q', '-B', branch, ...(isNew ? [] : [`origin/${branch}`])]);
    for (const [name, text] of Object.entries(changed)) {
      mkdirSync(dirname(join(other, name)), { recursive: true });
      writeFileSync(join(other, name), text);
    }
    gitIn(other, ['add', '--', ...Object.keys(changed)]);
    gitIn(other, ['commit', '-q', '-m', 'A change']);
    gitIn(other, ['push', '-q', 'origin', branch]);
  }

  function runStep(step: Step, cwd: string, variables: Readonly<Record<string, string>>): StepRan {
    const script = join(temp, 'step.sh');
    writeFileSync(script, step.run ?? '');
    // One stream, in order: what the person who reads the log sees.
    const ran = spawnSync('bash', ['-c', `exec bash -e "${script}" 2>&1`], {
      cwd,
      env: { ...env, ...variables },
      encoding: 'utf8',
    });
    return { name: step.name ?? step.run ?? '', code: ran.status, output: ran.stdout };
  }

  commit('main', files);
  return {
    root,
    temp,
    git: (args) => gitIn(origin, args),
    commit,
    run(workflow, trigger) {
      checkouts += 1;
      const cwd = join(root, `checkout-${checkouts}`);
      // actions/checkout takes the last commit only.
      gitIn(root, ['clone', '-q', '--depth', '1', '-b', trigger.branch, `file://${origin}`, cwd]);
      const environment = join(temp, 'environment');
      writeFileSync(environment, '');
      const ran: StepRan[] = [];
      for (const step of Object.values(workflow.jobs).flatMap((job) => job.steps)) {
        if (step.name !== undefined) trigger.before?.[step.name]?.();
        if (step.run === 'npm ci') linkModules(cwd);
        else if (step.run !== undefined) {
          const variables = {
            GITHUB_EVENT_NAME: trigger.event,
            GITHUB_REF_NAME: trigger.branch,
            GITHUB_ENV: environment,
            RUNNER_TEMP: temp,
            CI: 'true',
            ...toVariables(readFileSync(environment, 'utf8')),
            ...expand(step.env ?? {}, trigger),
          };
          const result = runStep(step, cwd, variables);
          ran.push(result);
          if (result.code !== 0) break;
        }
      }
      return ran;
    },
  };
}

/** In the place of `npm ci`, which needs the network: the commands of this repository, where npx finds them. */
function linkModules(cwd: string): void {
  const bin = join(cwd, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(CLI, join(bin, 'lockstep'));
}

function toVariables(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
}

/** A scheduled run's event names no repository, so there the default branch is empty. */
function expand(env: Readonly<Record<string, string>>, trigger: Trigger): Readonly<Record<string, string>> {
  const known: Readonly<Record<string, string>> = {
    'secrets.GOOGLE_KEY': trigger.key ?? '',
    'vars.GOOGLE_DRIVE_FOLDER_ID': trigger.folderId ?? '',
    'github.run_number': String(trigger.runNumber ?? 1),
    'github.event.repository.default_branch': trigger.event === 'schedule' ? '' : 'main',
  };
  return Object.fromEntries(
    Object.entries(env).map(([name, text]) => [
      name,
      text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
        const value = known[expression];
        if (value === undefined) throw new Error(`the sandbox does not know the expression "${expression}"`);
        return value;
      }),
    ]),
  );
}
