import { runTests } from './run-tests.ts';

await runTests(['--test-concurrency=3', ...process.argv.slice(2), 'test/**/*.test.ts']);
