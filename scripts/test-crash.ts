import { spawnSync } from 'node:child_process';

// Every point of every suite, not the sample that `npm test` takes; further arguments choose files.
const files = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  [
    '--conditions=lockstep-source',
    '--test',
    '--test-concurrency=1',
    ...(files.length > 0 ? files : ['test/crash/**/*.test.ts']),
  ],
  { stdio: 'inherit', env: { LOCKSTEP_CRASH: 'all', ...process.env } },
);
process.exitCode = status ?? 1;
