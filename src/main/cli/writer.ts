// Where a command's output goes: the two streams, and whether the first one shows colours. Commands never use console.

export interface Writer {
  out(text: string): void;
  error(text: string): void;
  /** `text` grey where standard output shows colours. */
  dim(text: string): string;
}

/** As much of a process as a writer needs. */
export interface WriterHost {
  // Node leaves isTTY out where a stream is no terminal.
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
}

export function openWriter({ stdout, stderr, env }: WriterHost): Writer {
  // https://no-color.org: any value that is not empty.
  const { NO_COLOR: noColor = '' } = env;
  const isColourful = stdout.isTTY === true && noColor === '';
  for (const stream of [stdout, stderr]) stream.on('error', ignoreClosedPipe);
  return {
    out: (text) => stdout.write(text),
    error: (text) => stderr.write(text),
    dim: (text) => (isColourful ? `\u001b[2m${text}\u001b[22m` : text),
  };
}

// `thinsnap … | head -1` closes the pipe before all is written, which is nobody's mistake.
function ignoreClosedPipe(error: Error): void {
  if (!('code' in error) || error.code !== 'EPIPE') throw error;
}
