import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { buildFileFiles, lockstepFiles, turboFiles, wireitFiles } from '../generate/stages.ts';
import type { Step } from '../generate/stages.ts';
import { countFiles, digestFolder } from './digest.ts';
import type { Command } from './measure.ts';
import { makeProject, writeFiles } from './project.ts';
import type { Bench, Contender } from './trial.ts';

/** A runner with the generated steps in a folder of its own; `command` brings everything up to date. */
export interface Runner {
  readonly name: string;
  readonly command: () => Command;
  /** Forgets all results. */
  readonly forget: () => void;
  /** The outs, counted and hashed. */
  readonly made: () => Promise<string>;
}

/** Ours first, then those peers that are here. */
export function createRunners(bench: Bench, steps: readonly Step[], peers: readonly string[]): Runners {
  const makers: Readonly<Record<string, (path: string) => Runner>> = {
    wireit: (path) => wireitRunner(bench, steps, path),
    turbo: (path) => turboRunner(bench, steps, path),
    ninja: (path) => buildFileRunner(bench, steps, ['ninja', path, '--quiet']),
    make: (path) => buildFileRunner(bench, steps, ['make', path, '-j2']),
  };
  const found = peers.map((name) => ({ name, path: bench.peer(name), make: makers[name] }));
  return {
    runners: [
      lockstepRunner(bench, steps),
      ...found.flatMap(({ path, make }) => (path === undefined || !make ? [] : [make(path)])),
    ],
    missing: found.filter(({ path }) => path === undefined).map(({ name }) => name),
  };
}

/** What there is to compare. */
export interface Runners {
  readonly runners: readonly Runner[];
  readonly missing: readonly string[];
}

/** A runner as a contender that has nothing to do. */
export function idle({ name, command, made }: Runner): Contender {
  return { name, command, check: made };
}

/** A runner as a contender that has everything to do. */
export function fresh({ name, command, forget, made }: Runner): Contender {
  return { name, before: forget, command, check: made };
}

async function madeIn(folder: string): Promise<string> {
  return `${countFiles(folder)}, ${await digestFolder(folder)}`;
}

function lockstepRunner(bench: Bench, steps: readonly Step[]): Runner {
  const folder = makeProject(bench, 'lockstep', lockstepFiles(steps));
  return {
    name: 'lockstep',
    command: () => bench.lockstep(folder, 'repro'),
    forget: () => forgetIn(bench, folder, ['out', '.lockstep', 'pipeline.lock']),
    made: () => madeIn(join(folder, 'out')),
  };
}

function buildFileRunner(
  bench: Bench,
  steps: readonly Step[],
  [name = '', ...argv]: readonly string[],
): Runner {
  const folder = join(bench.dir, name);
  writeFiles(folder, buildFileFiles(steps));
  return {
    name,
    command: () => ({ argv, cwd: folder }),
    forget: () => forgetIn(bench, folder, ['out', '.ninja_log', '.ninja_deps']),
    made: () => madeIn(join(folder, 'out')),
  };
}

function wireitRunner(bench: Bench, steps: readonly Step[], path: string): Runner {
  const folder = join(bench.dir, 'wireit');
  writeFiles(folder, wireitFiles(steps));
  return {
    name: 'wireit',
    // What npm sets when it runs a script; npm itself would cost another quarter of a second.
    command: () => ({
      argv: [process.execPath, path],
      cwd: folder,
      env: {
        npm_lifecycle_event: 'all',
        npm_config_user_agent: 'npm/11.0.0',
        npm_package_json: join(folder, 'package.json'),
        WIREIT_LOGGER: 'quiet',
      },
    }),
    forget: () => forgetIn(bench, folder, ['out', '.wireit']),
    made: () => madeIn(join(folder, 'out')),
  };
}

function turboRunner(bench: Bench, steps: readonly Step[], path: string): Runner {
  const folder = join(bench.dir, 'turbo');
  writeFiles(folder, { ...turboFiles(steps), '.gitignore': 'node_modules\n.turbo\nout.txt\n' });
  bench.run({ argv: ['git', 'init', '-q'], cwd: folder });
  // Every task is an npm start-up, which is npm's slowness and not turbo's; the shim runs the script alone.
  const shims = join(bench.dir, 'turbo-shims');
  writeFiles(shims, {
    npm: '#!/bin/sh\nexec sh -c "$(sed -n \'s/.*"build":"\\([^"]*\\)".*/\\1/p\' package.json)"\n',
  });
  chmodSync(join(shims, 'npm'), 0o755);
  return {
    name: 'turbo',
    command: () => ({
      argv: [
        path,
        'run',
        'build',
        '--output-logs=none',
        '--ui=stream',
        '--no-daemon',
        '--no-update-notifier',
      ],
      cwd: folder,
      env: { PATH: `${shims}${delimiter}${process.env['PATH'] ?? ''}` },
    }),
    forget: () => {
      const outs = steps.map(({ id }) => join(folder, 'packages', id, 'out.txt'));
      bench.discard(join(folder, '.turbo'), ...outs);
    },
    made: async () => {
      const outs = join(folder, 'outs');
      mkdirSync(outs, { recursive: true });
      bench.run({
        argv: [
          'sh',
          '-c',
          `for f in packages/*/out.txt; do d=\${f#packages/}; cp "$f" "outs/\${d%/out.txt}.txt"; done`,
        ],
        cwd: folder,
      });
      const told = await madeIn(outs);
      bench.discard(outs);
      return told;
    },
  };
}

function forgetIn(bench: Bench, folder: string, names: readonly string[]): void {
  bench.discard(...names.map((name) => join(folder, name)));
  if (names.includes('out') && !existsSync(join(folder, 'pipeline.yaml'))) {
    mkdirSync(join(folder, 'out'));
    writeFileSync(join(folder, 'out', '.keep'), '');
  }
}
