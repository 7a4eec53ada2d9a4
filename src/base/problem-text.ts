import type { Problem } from './error.ts';
import { displayWidth, lastColumns, firstColumns } from './display-width.ts';
import { visible as escaped, formatCount, plural } from './text.ts';
import type { Location } from './types.ts';

/** What a piece of a problem's text is, for a listener that colours it. */
export type ProblemPiece = 'error' | 'message' | 'gutter' | 'caret' | 'hint';

/** Gives a line of a file (counted from 1) without its line end; `undefined` when it cannot be had. */
export type ReadLine = (file: string, line: number) => string | undefined;

/** Colours a piece of text; it must keep every visible character. */
export type Paint = (text: string, piece: ProblemPiece) => string;

/** More are counted: nobody reads on, and the last ones would be all that a terminal keeps. */
const MAX_PROBLEMS = 50;

/** A longer line is cut around its caret. */
const MAX_COLUMNS = 120;
const TAB = '    ';

/**
 * Problems as text for people: each with its code, its sentence, the quoted line with a caret below the value, and a
 * hint; further places follow as "also" blocks, and a count ends several problems, which stands for those beyond the first
 * fifty. Every line ends in a line feed.
 *
 * Tabs are shown as four blanks and wide characters count twice, so the caret stands below its value in a terminal.
 * Control characters are shown as `\xNN`. The values of secrets in
 * remotes.yaml, and what is assigned to a variable such as `API_KEY`, are shown as dots.
 */
export function formatProblems(
  problems: readonly Problem[],
  readLine: ReadLine,
  paint: Paint = (text) => text,
): string {
  const blocks = problems.slice(0, MAX_PROBLEMS).map((problem) => formatProblem(problem, readLine, paint));
  const more = problems.length - blocks.length;
  const rest = more > 0 ? `; ${formatCount(more)} more are not shown, --json has all` : '';
  if (problems.length > 1) blocks.push(`${plural(problems.length, 'problem')}${rest}\n`);
  return blocks.join('\n');
}

function formatProblem(problem: Problem, readLine: ReadLine, paint: Paint): string {
  const places = problem.at ?? [];
  const width = Math.max(0, ...places.map((place) => String(place.line).length));
  const lines = [
    `${paint(`error[${problem.code}]:`, 'error')} ${paint(visible(problem.message), 'message')}`,
  ];
  for (const [i, place] of places.entries())
    lines.push(...formatPlace(place, i === 0 ? '-->' : 'also', width, readLine, paint));
  if (problem.hint !== undefined)
    lines.push(
      `${' '.repeat(width)} ${paint('=', 'gutter')} ${paint(`hint: ${visible(problem.hint)}`, 'hint')}`,
    );
  return `${lines.join('\n')}\n`;
}

function formatPlace(
  place: Location,
  arrow: string,
  width: number,
  readLine: ReadLine,
  paint: Paint,
): string[] {
  const blank = ' '.repeat(width);
  const lines = [`${blank}${paint(arrow, 'gutter')} ${visible(place.file)}:${place.line}:${place.column}`];
  const raw = readLine(place.file, place.line)
    ?.replace(/\r?\n?$/, '')
    .replace(/^\ufeff/, '');
  if (raw === undefined) return lines;
  const { before, value, after } = cut(raw, place);
  const bar = paint(`${blank} |`, 'gutter');
  const caret = '^'.repeat(Math.max(1, displayWidth(value)));
  lines.push(bar);
  lines.push(
    `${paint(`${String(place.line).padStart(width)} |`, 'gutter')} ${before}${value}${after}`.trimEnd(),
  );
  lines.push(`${bar} ${' '.repeat(displayWidth(before))}${paint(caret, 'caret')}`);
  return lines;
}

/** The line in three pieces, each as it will be shown. */
function cut(
  raw: string,
  { file, column, length }: Location,
): { before: string; value: string; after: string } {
  const [start, end] = [column - 1, column - 1 + length];
  const line = hideAssigned(/(^|\/)remotes\.ya?ml$/.test(file) ? hideSecrets(raw) : raw);
  const before = visible(line.slice(0, start));
  // A tab that is itself the fault has to be seen.
  const value = visible(line.slice(start, end).replaceAll('\t', '→   '));
  const after = visible(line.slice(end));
  if (displayWidth(before + value + after) <= MAX_COLUMNS) return { before, value, after };
  const shown = firstColumns(value, MAX_COLUMNS / 2);
  const room = Math.floor((MAX_COLUMNS - displayWidth(shown)) / 2);
  const [head, tail] = [lastColumns(before, room), firstColumns(after, room)];
  const rest = shown === value ? tail : '';
  return {
    before: head === before ? before : `…${head}`,
    value: shown,
    after: shown + rest === value + after ? after : `${rest}…`,
  };
}

/** Keys whose values no message may show, with a value that is not taken from the environment. */
const SECRET =
  /([\w-]*(?:secret|token|passw|passphrase|credential|connection_?string|key)[\w-]*["']?\s*:\s*)(?!["']?\$\{)([^\s,}\]#][^,}\]#]*)/gi;

/** Same length as before, so that columns hold. */
function hideSecrets(line: string): string {
  return line
    .replace(
      SECRET,
      (_, key: string, value: string) =>
        key + '•'.repeat(value.trimEnd().length) + ' '.repeat(value.length - value.trimEnd().length),
    )
    .replace(
      /(:\/\/[^/\s:@]*:)([^/\s@]+)(?=@)/g,
      (_, head: string, password: string) => head + '•'.repeat(password.length),
    )
    .replace(
      /(\bhttps?:\/\/|[?&][\w-]*(?:sig|signature|token|key|secret|password)=)(?!\$\{)([^/\s:@?&"'}]+)(@?)/gi,
      (whole, head: string, value: string, at: string) =>
        head.endsWith('=') || at !== '' ? head + '•'.repeat(value.length) + at : whole,
    );
}

/** What a shell or an `env:` item assigns to a variable that names a secret. Same length as before. */
function hideAssigned(line: string): string {
  return line.replace(
    /(\b[A-Z0-9_]*(?:SECRET|TOKEN|PASSW|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE_KEY)[A-Z0-9_]*=)(?!["']?\$)([^\s,\]}]+)/g,
    (_, name: string, value: string) => name + '•'.repeat(value.length),
  );
}

/** Tabs as blanks, so that the caret stands where it belongs. */
function visible(text: string): string {
  return escaped(text.replaceAll('\t', TAB));
}
