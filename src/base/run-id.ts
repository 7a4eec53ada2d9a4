/** The beginning of the id of a run that starts at this instant (epoch ms): `20260317T060000123`, UTC, so that ids sort by time. */
export function runStampOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:.Z]/g, '');
}
