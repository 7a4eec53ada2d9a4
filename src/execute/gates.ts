import type { PipelineError } from '../base/error.ts';
import type { Emit } from '../base/event.ts';
import { canonicalJson, parseJson } from '../base/hash.ts';
import type { Redactor } from '../base/redact.ts';
import type { Artifact, Gate, Json, RelPath, Stage } from '../base/types.ts';
import { formatLimits } from '../plan/decide.ts';
import { stageError } from './stage-error.ts';

export interface GateOptions {
  /** The bytes of a metric, which is a file. */
  readonly read: (metric: Artifact) => Buffer;
  readonly emit: Emit;
  readonly redactor: Redactor;
}

/**
 * Evaluates a stage's gates on the bytes of its metric outs and tells each value. Throws `gate.failed` naming every
 * gate that does not hold, `gate.unreadable` when a metric is no JSON file.
 */
export function evaluateGates(
  stage: Stage,
  outs: readonly Artifact[],
  { read, emit, redactor }: GateOptions,
): void {
  const bytesOf = (path: RelPath): Buffer | undefined => {
    const metric = outs.find((out) => out.path === path);
    return metric?.kind === 'file' ? read(metric) : undefined;
  };
  const broken: { gate: Gate; text: string }[] = [];
  const metrics = new Map<RelPath, Json>();
  for (const gate of stage.policy.gates) {
    let metric = metrics.get(gate.out);
    if (metric === undefined) metrics.set(gate.out, (metric = parseMetric(stage, gate, bytesOf(gate.out))));
    const value = lookUp(metric, gate.key);
    const shown = value === undefined ? 'missing' : show(mask(value, redactor));
    const held = value !== undefined && holds(gate, value);
    emit({ type: 'gate-evaluated', stage: stage.name, gate: formatGate(gate), value: shown, held });
    if (!held) broken.push({ gate, text: `${formatGate(gate)}, but it is ${shown}` });
  }
  if (broken.length === 0) return;
  throw stageError(
    stage,
    'gate.failed',
    `stage "${stage.name}" does not pass: ${broken.map((one) => one.text).join('; ')}`,
    {
      at: broken.map((one) => one.gate.at),
      hint: `mend what makes ${[...new Set(broken.map((one) => `"${one.gate.out}"`))].join(', ')}, or change the gates: of "${stage.name}"`,
    },
  );
}

function formatGate(gate: Gate): string {
  return `${gate.key} must be ${formatLimits(gate)}`;
}

/** As canonical JSON, which numbers that a double cannot hold (`1e400`) do not have. */
function show(value: Json): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (error instanceof TypeError) return 'too large a number';
    throw error;
  }
}

/** A stage may write what it got as a secret; in JSON such a value need not look as it is. */
function mask(value: Json, redactor: Redactor): Json {
  if (typeof value === 'string') return redactor.text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one: Json) => mask(one, redactor));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [redactor.text(key), mask(one, redactor)]),
  );
}

function holds(gate: Gate, value: Json): boolean {
  if (gate.equals !== undefined && canonicalJson(gate.equals) !== show(value)) return false;
  if (gate.min === undefined && gate.max === undefined) return true;
  const isNumber = (typeof value === 'number' && Number.isFinite(value)) || typeof value === 'bigint';
  if (!isNumber) return false;
  return (gate.min === undefined || value >= gate.min) && (gate.max === undefined || value <= gate.max);
}

function parseMetric(stage: Stage, { out, at }: Gate, bytes: Buffer | undefined): Json {
  const unreadable = (is: string, hint: string, cause?: unknown): PipelineError => {
    const message = `"${out}" of stage "${stage.name}" is ${is}, so its gates cannot be judged`;
    return stageError(stage, 'gate.unreadable', message, { at, hint, cause });
  };
  if (!bytes) throw unreadable('a folder', 'gates read a single JSON file');
  try {
    return parseJson(bytes.toString('utf8'));
  } catch (error) {
    throw unreadable('not JSON', 'gates read JSON metrics; write the out as JSON', error);
  }
}

function lookUp(metric: Json, key: string): Json | undefined {
  let at: Json | undefined = metric;
  for (const part of key.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Object.hasOwn(at, part) ? (at as Readonly<Record<string, Json>>)[part] : undefined;
  }
  return at;
}
