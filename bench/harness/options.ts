import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  /** Names of scenarios; none means all. */
  readonly names: readonly string[];
  readonly check: boolean;
  readonly quick: boolean;
  /** Counted rounds instead of each scenario's own number. */
  readonly rounds: number | undefined;
  /** Where the work folders are made. */
  readonly dir: string;
  /** A package that is staged already. */
  readonly installed: string | undefined;
}

/** Reads `bench [scenario …] [--check] [--quick] [--runs N] [--dir FOLDER] [--package FOLDER]`; throws on anything else. */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      check: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      dir: { type: 'string' },
      package: { type: 'string' },
    },
  });
  const rounds = values.runs === undefined ? undefined : Number(values.runs);
  if (rounds !== undefined && (!Number.isInteger(rounds) || rounds < 1)) {
    throw new Error(`--runs takes a whole number from 1, not "${values.runs}"`);
  }
  return {
    names: positionals,
    check: values.check,
    quick: values.quick,
    rounds,
    dir: resolve(values.dir ?? tmpdir()),
    installed: values.package === undefined ? undefined : resolve(values.package),
  };
}
