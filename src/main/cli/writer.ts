// Where a command's output goes: the two streams, and what a terminal on the first one can show. Commands never use console.

/** What a text means, not how it looks. */
export type Style = 'strong' | 'good' | 'warning' | 'bad' | 'quiet';

export interface Writer {
  out(text: string): void;
  error(text: string): void;
  /** `text` coloured where standard output shows colours. */
  paint(style: Style, text: string): string;
  /** Columns and rows of the terminal that standard output is; null where it is none: nothing is cut then. */
  readonly screen: { readonly columns: number; readonly rows: number } | null;
  /** Whether more than ASCII can be shown. */
  readonly unicode: boolean;
  /** Aborted once nobody reads standard output any more. */
  readonly closed: AbortSignal;
}

/** As much of a process as a writer needs. */
export interface WriterHost {
  // Node leaves isTTY, columns and rows out where a stream is no terminal.
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
}

/** ECMA-48 "select graphic rendition": on and off. */
const STYLES: Record<Style, readonly [number, number]> = {
  strong: [1, 22],
  good: [32, 39],
  warning: [33, 39],
  bad: [31, 39],
  quiet: [2, 22],
};

/** Of a terminal that does not tell. */
const COLUMNS = 80;
const ROWS = 24;

export function openWriter({ stdout, stderr, env }: WriterHost): Writer {
  // https://no-color.org: any value that is not empty. TERM=dumb: a terminal that knows no sequences.
  const { NO_COLOR: noColor = '', TERM: term = '' } = env;
  const isColourful = stdout.isTTY === true && noColor === '' && term !== 'dumb';
  const closed = new AbortController();
  stdout.on('error', (error: Error) => {
    ignoreClosedPipe(error);
    closed.abort();
  });
  stderr.on('error', ignoreClosedPipe);
  const paint = (style: Style, text: string): string => {
    const [on, off] = STYLES[style];
    return isColourful ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  };
  return {
    out: (text) => stdout.write(text),
    error: (text) => stderr.write(text),
    paint,
    get screen() {
      // A terminal whose size is not known says 0.
      return stdout.isTTY === true ? { columns: stdout.columns || COLUMNS, rows: stdout.rows || ROWS } : null;
    },
    unicode: isUnicode(env),
    closed: closed.signal,
  };
}

/** The first of these that is set decides (locale(7)). */
function isUnicode({ LC_ALL: all = '', LC_CTYPE: ctype = '', LANG: lang = '' }: NodeJS.ProcessEnv): boolean {
  return /utf-?8/i.test(all || ctype || lang);
}

// `thinsnap … | head -1` closes the pipe before all is written, which is nobody's mistake.
function ignoreClosedPipe(error: Error): void {
  if (!('code' in error) || error.code !== 'EPIPE') throw error;
}
