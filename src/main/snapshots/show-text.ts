// A client's text made fit for a message: keys and labels may hold newlines, NUL or megabytes, and a gRPC status
// travels in a header of 8 KiB.

/** Characters of a client's text that a message shows. */
const SHOWN_CHARS_MAX = 64;

/** `text` in double quotes, escaped as JSON does, and cut when long. */
export function showText(text: string): string {
  if (text.length <= SHOWN_CHARS_MAX) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, SHOWN_CHARS_MAX))}... (${text.length} characters)`;
}
