import type { Verdict } from './budgets.ts';
import type { Outcome } from './run-course.ts';
import { medianOf } from './samples.ts';

/** The lines that tell one trial: a row per contender with its ratio to ours, what was made, and the budgets. */
export function formatOutcome(outcome: Outcome, verdicts: readonly Verdict[]): string {
  const ours = medianOf(outcome.taken.find(({ name }) => name === 'lockstep')?.ms ?? []);
  const rows = outcome.taken.map(({ name, ms, peakBytes }) => {
    const median = medianOf(ms);
    return [
      name,
      median.toFixed(1),
      Math.min(...ms).toFixed(1),
      Math.max(...ms).toFixed(1),
      name === 'lockstep' ? '' : (ours / median).toFixed(2),
      (peakBytes / 1024 ** 2).toFixed(0),
    ];
  });
  const table = alignColumns([['', 'median ms', 'min', 'max', 'ours/it', 'peak MiB'], ...rows]);
  return [
    `  ${outcome.trial}`,
    ...table.map((line) => `    ${line}`),
    ...outcome.missing.map((name) => `    ${name}: not here`),
    ...(outcome.made === undefined ? [] : [`    made: ${outcome.made}`]),
    ...verdicts.map(
      ({ state, text }) =>
        `    ${state === 'broken' || state === 'unknown' ? state.toUpperCase() : state}: ${text}`,
    ),
    '',
  ].join('\n');
}

function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}
