// Cuts a filter into tokens. containerd's scanner (pkg/filters/scanner.go) is the reference, its oddities included:
// white space may stand before a token but never after the last one, and what begins with a quote ends with it.

import { readQuoted } from './quoted.ts';

export type Token =
  | { readonly kind: 'field' | 'value' | 'separator' | 'operator'; readonly start: number; readonly text: string }
  | { readonly kind: 'quoted'; readonly start: number; readonly quote: string; readonly text: string }
  | { readonly kind: 'illegal'; readonly start: number; readonly problem: string }
  | { readonly kind: 'other' | 'end'; readonly start: number };

/** Only after an operator may a word be anything; elsewhere it is a field. */
export type WordKind = 'field' | 'value';

// Go's unicode.IsSpace is the property White_Space; JavaScript's \s differs in U+0085 and U+FEFF.
const SPACES = /\p{White_Space}*/uy;
const FIELD = /[-_A-Za-z0-9]+/y;
const OPERATOR = /[=!~]+/y;
// What Go's unicode.IsGraphic takes, less spaces and the comma. The first character is not looked at.
const VALUE = /.[^,\uFFFD\p{Z}\p{C}]*/suy;

/** A filter and how far it was read. */
export class Scanner {
  readonly input: string;
  #position = 0;

  constructor(input: string) {
    this.input = input;
  }

  get position(): number {
    return this.#position;
  }

  /** The next character as it stands, white space included; empty at the end. */
  peek(): string {
    return characterAt(this.input, this.#position);
  }

  scan(word: WordKind): Token {
    this.#take(SPACES);
    const start = this.#position;
    const character = this.peek();
    switch (character) {
      case '':
        return { kind: 'end', start };
      // Go decodes a malformed byte as U+FFFD, and so refuses the character itself as well.
      case '\uFFFD':
        return this.#illegal(character, 'rune error');
      case '\0':
        return this.#illegal(character, 'unexpected null');
      case '"':
      case '/':
      case '|':
        return this.#quoted(character);
      case ',':
      case '.':
        this.#position += 1;
        return { kind: 'separator', start, text: character };
      default:
        return this.#word(word, character);
    }
  }

  #quoted(quote: string): Token {
    const start = this.#position;
    const quoted = readQuoted(this.input, start);
    this.#position = quoted.end;
    if (quoted.problem !== null) return { kind: 'illegal', start, problem: quoted.problem };
    return { kind: 'quoted', start, quote, text: quoted.text };
  }

  #word(word: WordKind, character: string): Token {
    const start = this.#position;
    const operator = this.#take(OPERATOR);
    if (operator !== '') return { kind: 'operator', start, text: operator };
    const text = this.#take(word === 'value' ? VALUE : FIELD);
    if (text !== '') return { kind: word, start, text };
    this.#position += character.length;
    return { kind: 'other', start };
  }

  #illegal(character: string, problem: string): Token {
    const start = this.#position;
    this.#position += character.length;
    return { kind: 'illegal', start, problem };
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const text = pattern.exec(this.input)?.[0] ?? '';
    this.#position += text.length;
    return text;
  }
}

function characterAt(input: string, position: number): string {
  const codePoint = input.codePointAt(position);
  return codePoint === undefined ? '' : String.fromCodePoint(codePoint);
}
