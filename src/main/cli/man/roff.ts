// Text as man(7) takes it: every character shows as itself, whatever roff would make of it.

export interface PageTitle {
  readonly name: string;
  readonly section: number;
  readonly version: string;
}

export function titleLines({ name, section, version }: PageTitle): readonly string[] {
  return [`.TH ${roffWord(name.toUpperCase())} ${section} "" ${roffWord(`thinsnap ${version}`)} "thinsnap"`];
}

/** One paragraph. */
export function paragraph(text: string): readonly string[] {
  return ['.PP', roffText(text)];
}

export function heading(text: string): string {
  return `.SH ${roffWord(text)}`;
}

/** As `heading`, one level down. */
export function subheading(text: string): string {
  return `.SS ${roffWord(text)}`;
}

/** A term in bold and what it means, indented below. */
export function definition(term: string, meaning: string): readonly string[] {
  return ['.TP', `.B ${roffWord(term)}`, roffText(meaning)];
}

/** Lines as they are. */
export function verbatim(lines: readonly string[]): readonly string[] {
  return ['.PP', '.RS 4', '.nf', ...lines.map(roffText), '.fi', '.RE'];
}

/** A line of text: `\` and `-` are escaped wherever they are, what would be a request or a quote of roff's where it would be. */
function roffText(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
  return /^[.\s]/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** One argument of a macro. */
function roffWord(text: string): string {
  return `"${roffText(text).replaceAll('"', '\\(dq')}"`;
}
