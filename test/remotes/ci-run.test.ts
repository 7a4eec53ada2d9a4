import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { REPOSITORY, cleanEnv } from '../rig.ts';

interface CiRan {
  readonly code: number;
  readonly output: string;
  /** What `npm` was asked, and with which servers. */
  readonly asked: readonly string[];
}

/**
 * Runs .ci/run where `npm` and `go` are scripts that only note what they are asked, and then do what is given. What else it
 * would install, shells and NumPy, is there.
 */
async function runCi(
  t: TestContext,
  { npm = '', go = '', env = {} }: { npm?: string; go?: string; env?: Readonly<Record<string, string>> },
): Promise<CiRan> {
  const home = mkdtempSync(join(tmpdir(), 'lockstep-ci-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  for (const folder of ['.ci', 'scripts', 'bin']) mkdirSync(join(home, folder));
  for (const file of ['.ci/run', 'scripts/servers.sh']) {
    copyFileSync(join(REPOSITORY, file), join(home, file));
    chmodSync(join(home, file), 0o755);
  }
  const asked = join(home, 'asked');
  for (const [name, text] of [
    ['npm', `echo "npm $1 \${2:-} [\${LOCKSTEP_TEST_S3:-}]" >>${asked}\n${npm}`],
    ['go', go],
    ...['fish', 'zsh', 'python3'].map((name) => [name, ''] as const),
  ] as const) {
    writeFileSync(join(home, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  return new Promise((resolve) => {
    const child = execFile(
      join(home, '.ci/run'),
      {
        env: cleanEnv({
          PATH: [join(home, 'bin'), join(process.execPath, '..'), process.env['PATH'] ?? ''].join(delimiter),
          LOCKSTEP_SERVERS: join(home, 'servers'),
          TMPDIR: home,
          ...env,
        }),
      },
      (_, stdout, stderr) =>
        resolve({
          code: child.exitCode ?? -1,
          output: stdout + stderr,
          asked: existsSync(asked) ? readFileSync(asked, 'utf8').trimEnd().split('\n') : [],
        }),
    );
  });
}

test('without servers the checks run all the same, and each suite that is left out is named', async (t) => {
  const ran = await runCi(t, {
    go: 'echo no network >&2; exit 1',
    npm: 'if [ "$1" = install ]; then exit 1; fi',
  });
  assert.equal(ran.code, 0, ran.output);
  assert.match(ran.output, /no network\n[\s\S]*cannot be installed: s3 gcs azure\n/);
  for (const kind of ['S3', 'GCS', 'AZURE'])
    assert.match(ran.output, new RegExp(`The suite of ${kind} is left out`));
  assert.deepEqual(
    ran.asked.filter((line) => !line.startsWith('npm install')),
    ['npm ci  []', 'npm run check []'],
  );
});

test('where the servers are required, a suite that is left out fails all before the checks', async (t) => {
  const ran = await runCi(t, {
    go: 'exit 1',
    npm: 'if [ "$1" = install ]; then exit 1; fi',
    env: { LOCKSTEP_SERVERS_REQUIRED: '1' },
  });
  assert.equal(ran.code, 1, ran.output);
  assert.match(ran.output, /\nThese suites are required: S3 GCS AZURE\.\n/);
  assert.ok(!ran.asked.some((line) => line.startsWith('npm run')));
});

test('an install that takes too long is stopped, and the checks run', async (t) => {
  const ran = await runCi(t, { go: 'exec tail -f /dev/null', env: { LOCKSTEP_SERVERS_SECONDS: '1' } });
  assert.equal(ran.code, 0, ran.output);
  assert.match(ran.output, /Installing the test servers failed \(code 124; 124: not within 1 s\)/);
  assert.equal(ran.asked.at(-1), 'npm run check []');
});

test('a server that can be had is passed on and stopped at the end; what fails the checks fails all', async (t) => {
  // A server that listens where it is told, in the place of the one for S3.
  const server = `#!${process.execPath}
const [host, port] = process.argv[process.argv.indexOf('--port') + 1].split(':');
require('node:http').createServer((_, response) => response.end()).listen(Number(port), host);
`;
  const install = `case "$2" in *versitygw*) cat >"$GOBIN/versitygw" <<'END'\n${server}END\nchmod +x "$GOBIN/versitygw" ;; *) exit 1 ;; esac`;
  const ran = await runCi(t, {
    go: install,
    npm: 'case "$1" in install) exit 1 ;; run) exit 7 ;; esac',
  });
  assert.equal(ran.code, 7, ran.output);
  const address = /npm run check \[(http:\/\/127\.0\.0\.1:\d+)\]/.exec(ran.asked.at(-1) ?? '')?.[1];
  assert.ok(address !== undefined, ran.asked.join('\n'));
  assert.match(ran.output, new RegExp(`The suite of S3 runs against ${address}\\.`));
  assert.match(ran.output, /The suite of GCS is left out/);
  await assert.rejects(fetch(address), 'it was stopped');
});
