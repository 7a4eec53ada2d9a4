import type { Outcome } from '../../base/event.ts';

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim' | 'boldRed';

/** What stands before a line. */
export type SymbolName = Outcome | 'retry' | 'warning' | 'info';

/** How things look: decided once from what the terminal can do. */
export interface Style {
  /** The text in a colour; unchanged where there is none, or no text. */
  readonly paint: (text: string, colour: Colour) => string;
  /** Our own words as the terminal can show them; never used on what a stage wrote. */
  readonly words: (text: string) => string;
  readonly symbols: Readonly<Record<SymbolName, string>>;
  /** Frames of the mark of what is running, 100 ms each. */
  readonly spinner: readonly string[];
  readonly barDone: string;
  readonly barLeft: string;
  readonly gutter: string;
  readonly colour: boolean;
}

export const SYMBOL_COLOURS: Readonly<Record<SymbolName, Colour>> = {
  ran: 'green',
  restored: 'cyan',
  fresh: 'dim',
  failed: 'red',
  blocked: 'yellow',
  canceled: 'yellow',
  retry: 'yellow',
  warning: 'yellow',
  info: 'dim',
};

const CODES: Readonly<Record<Colour, string>> = {
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
  bold: '1',
  dim: '2',
  boldRed: '1;31',
};

const ASCII_WORDS: Readonly<Record<string, string>> = { '→': '->', '…': '...', '•': '*', '·': '-' };

/** Colours are the terminal's own sixteen; without Unicode everything of ours is ASCII. */
export function createStyle({
  colour,
  unicode,
}: {
  readonly colour: boolean;
  readonly unicode: boolean;
}): Style {
  const paint = (text: string, name: Colour): string => `\u001b[${CODES[name]}m${text}\u001b[0m`;
  return {
    colour,
    paint: colour ? (text, name) => (text === '' ? '' : paint(text, name)) : (text) => text,
    words: unicode ? (text) => text : (text) => text.replace(/[→…•·]/g, (char) => ASCII_WORDS[char] ?? char),
    ...(unicode ? UNICODE : ASCII),
  };
}

const UNICODE = {
  symbols: {
    ran: '✓',
    restored: '↺',
    fresh: '=',
    failed: '✗',
    blocked: '⊘',
    canceled: '∅',
    retry: '↻',
    warning: '!',
    info: '•',
  },
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  barDone: '━',
  barLeft: '─',
  gutter: '│',
} as const;

const ASCII = {
  symbols: {
    ran: '+',
    restored: '<',
    fresh: '=',
    failed: 'x',
    blocked: '-',
    canceled: '/',
    retry: '~',
    warning: '!',
    info: '*',
  },
  spinner: ['|', '/', '-', '\\'],
  barDone: '#',
  barLeft: '.',
  gutter: '|',
} as const;
