import { runTests } from './run-tests.ts';

// Every point of every suite, not the sample that `npm test` takes; further arguments choose files.
const files = process.argv.slice(2);
await runTests(['--test-concurrency=1', ...(files.length > 0 ? files : ['test/crash/**/*.test.ts'])], {
  LOCKSTEP_CRASH: 'all',
  ...process.env,
});
