import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after } from 'node:test';
import { assertMatchesIndependent, independentMaps, readNpy } from './market/compare-independent.ts';
import { cloneRepository } from './newcomer.ts';
import { REPOSITORY, cleanEnv, rigAt } from './rig.ts';
import { recorded, recordedPath } from './market/recorded.ts';
import type { Rig } from './rig.ts';

/** The project as git has it, in a folder of its own: what a newcomer clones, packages installed. */
function clone(): Rig {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-clone-')));
  after(() => rmSync(root, { recursive: true, force: true }));
  cloneRepository(root);
  return rigAt(root, {}, join(root, 'bin', 'lockstep.cjs'));
}

test('a fresh clone reproduces the committed lock and reports byte for byte, in any zone and locale', async () => {
  const surroundings = [
    { TZ: 'Pacific/Auckland', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    { TZ: 'America/St_Johns', LANG: 'sv_SE.UTF-8', LC_ALL: 'sv_SE.UTF-8' },
  ];
  for (const env of surroundings) {
    const rig = clone();
    const before = rig.read('pipeline.lock');
    const reports = ['reports/fetch_report.json', 'reports/data_quality_report.json'];
    const committed = reports.map((name) => rig.read(name));
    rig.remove('reports');
    const ran = await rig.lockstep(['repro', '-j', '1'], { env });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /3 stages: 3 ran/);
    assert.equal(rig.read('pipeline.lock'), before);
    assert.deepEqual(
      reports.map((name) => rig.read(name)),
      committed,
    );
    const locked = await rig.lockstep(['repro', '--locked'], { env });
    assert.equal(locked.stderr, 'Everything is fresh: 3 stages, nothing to do.\n');
  }
});

test('both reports of the embedded default say that its data is simulated', () => {
  for (const name of ['reports/fetch_report.json', 'reports/data_quality_report.json']) {
    const report = JSON.parse(rigAt(REPOSITORY).read(name)) as { source: string };
    assert.equal(report.source, 'simulated', name);
  }
});

test(
  'recorded prices go through the exchange to the tensor that a second computation finds',
  recorded,
  async () => {
    const rig = clone();
    const exchange = await startExchange(recordedPath('nse_daily', 'yf_flat'));
    try {
      rig.write('params.yaml', rig.read('params.yaml').replace(/^source: .*$/m, `source: ${exchange.url}`));
      const ran = await rig.lockstep(['repro']);
      assert.equal(ran.code, 0, ran.stderr);
    } finally {
      await exchange.stop();
    }
    const report = JSON.parse(rig.read('reports/data_quality_report.json')) as {
      source: string;
      missing: { symbol: string }[];
    };
    assert.equal(report.source, 'exchange');
    assert.deepEqual(
      report.missing.map((one) => one.symbol),
      ['ETERNAL.NS', 'INDIGO.NS', 'TECHM.NS'],
    );
    const maps = rig.bytes('data/processed/feature_maps.npy');
    assert.deepEqual(readNpy(maps).shape, [465, 30, 19]);
    const metadata = JSON.parse(rig.read('data/processed/feature_metadata.json')) as {
      axes: { stocks: string[]; features: string[] };
      warmup: number;
      missing_stocks: string[];
    };
    assert.equal(metadata.axes.stocks.length, 30);
    // 493 sessions of the index: the axis, its warm-up, and the last session, whose target is not known.
    assert.equal(readNpy(maps).shape[0], 493 - metadata.warmup - 1);
    assert.equal(readdirSync(rig.path('data/raw')).length, 28);

    const independent = independentMaps({
      rawDir: rig.path('data/raw'),
      universe: metadata.axes.stocks,
      indexSymbol: '^BSESN',
      asOf: '2026-03-17',
      features: metadata.axes.features.join(','),
    });
    assertMatchesIndependent(
      {
        maps,
        mask: rig.bytes('data/processed/mask.npy'),
        targets: rig.bytes('data/processed/targets.npy'),
        latest: rig.bytes('data/processed/latest.npy'),
        dates: rig.read('data/processed/dates.csv'),
      },
      independent,
    );
  },
);

/** `lockstep-exchange` over a folder of recorded CSVs, on a free port. */
async function startExchange(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const bin = join(REPOSITORY, 'bin', 'lockstep-exchange.cjs');
  const child = spawn(process.execPath, [bin, '--port', '0', '--data', folder], {
    cwd: dirname(bin),
    env: cleanEnv(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/[\d.:]+/.exec(line)?.[0];
    if (url === undefined) continue;
    return {
      url,
      async stop() {
        child.kill('SIGINT');
        await ended;
      },
    };
  }
  throw new Error('the exchange did not say where it is');
}
