// The burst as an SVG, written by hand: three lines on a logarithmic axis, each named at its end. It follows the reader's
// light or dark mode, and says the same in its text for who cannot see it.

export interface Line {
  readonly style: 'peer' | 'miss' | 'standby';
  readonly label: string;
  readonly latenciesMs: readonly number[];
}

const WIDTH = 860;
const HEIGHT = 460;
/** Of the plot within the whole. */
const LEFT = 84;
const RIGHT = 216;
const TOP = 56;
const BOTTOM = 108;
const LABEL_LINE = 15;
const LABEL_CHARS_MAX = 24;
const NOTE_CHARS_MAX = 132;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 15px; }
    .quiet { fill: #59636e; }
    .note { fill: #59636e; font-size: 11.5px; }
    .ground { fill: #ffffff; }
    .grid { stroke: #d1d9e0; stroke-width: 1; }
    .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
    .peer { stroke: #b35900; } .peer-text { fill: #8a4600; }
    .miss { stroke: #0969da; } .miss-text { fill: #0550ae; }
    .standby { stroke: #1a7f37; } .standby-text { fill: #116329; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .quiet, .note { fill: #9198a1; }
      .ground { fill: #0d1117; }
      .grid { stroke: #3d444d; }
      .peer { stroke: #f0883e; } .peer-text { fill: #f0883e; }
      .miss { stroke: #58a6ff; } .miss-text { fill: #58a6ff; }
      .standby { stroke: #3fb950; } .standby-text { fill: #3fb950; }
    }`;

/** `notes`: what was measured, and on what. */
export function drawBurst(lines: readonly Line[], notes: readonly string[]): string {
  const latencies = lines.flatMap(({ latenciesMs }) => latenciesMs);
  if (latencies.length === 0) throw new Error('Cannot draw a burst without a latency');
  const [lowest, highest] = [
    Math.floor(Math.log10(Math.min(...latencies))),
    Math.ceil(Math.log10(Math.max(...latencies))),
  ];
  const count = Math.max(...lines.map(({ latenciesMs }) => latenciesMs.length));
  const axes: Axes = {
    x: (number) => LEFT + ((number - 1) / Math.max(1, count - 1)) * (WIDTH - LEFT - RIGHT),
    y: (ms) => TOP + ((highest - Math.log10(ms)) / Math.max(1, highest - lowest)) * (HEIGHT - TOP - BOTTOM),
  };
  const title = `Latency of each of ${count} Prepares of one parent, asked for at once`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title description">
  <title id="title">${toXml(title)}</title>
  <desc id="description">${toXml(lines.map(describe).join(' '))}</desc>
  <style>${STYLE}
  </style>
  <rect class="ground" width="${WIDTH}" height="${HEIGHT}" rx="6"/>
  ${text({ x: 24, y: 30, style: 'title' }, title)}
${grid(axes, { lowest, highest, count })}
${lines.map((line) => curve(axes, line)).join('\n')}
${names(axes, lines)}
${notes
  .flatMap(wrapNote)
  .map((note, index) => text({ x: 24, y: HEIGHT - 42 + index * LABEL_LINE, style: 'note' }, note))
  .join('\n')}
</svg>
`;
}

interface Axes {
  readonly x: (number: number) => number;
  readonly y: (ms: number) => number;
}

function grid(axes: Axes, { lowest, highest, count }: { lowest: number; highest: number; count: number }): string {
  const right = WIDTH - RIGHT;
  const rows = Array.from({ length: highest - lowest + 1 }, (_, index) => 10 ** (lowest + index)).map((ms) => {
    const y = axes.y(ms);
    const rule = `<line class="grid" x1="${LEFT}" y1="${y}" x2="${right}" y2="${y}"/>`;
    return `${rule}${text({ x: LEFT - 10, y: y + 4, style: 'quiet', anchor: 'end' }, showMs(ms))}`;
  });
  const step = Math.max(1, Math.round(count / 4));
  const numbers = [1, ...Array.from({ length: 4 }, (_, index) => (index + 1) * step)].filter((each) => each <= count);
  const columns = numbers.map((each) =>
    text({ x: axes.x(each), y: HEIGHT - BOTTOM + 20, style: 'quiet', anchor: 'middle' }, String(each)),
  );
  const below = { x: (LEFT + right) / 2, y: HEIGHT - BOTTOM + 40, style: 'quiet', anchor: 'middle' } as const;
  return [
    ...rows,
    ...columns,
    text(below, 'answers, in the order in which they came'),
    `<g transform="translate(20 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">${text({ x: 0, y: 0, style: 'quiet', anchor: 'middle' }, 'latency (logarithmic)')}</g>`,
  ].join('\n');
}

function curve(axes: Axes, { style, latenciesMs }: Line): string {
  const points = latenciesMs.map((ms, index) => `${axes.x(index + 1).toFixed(1)},${axes.y(ms).toFixed(1)}`);
  return `<polyline class="line ${style}" points="${points.join(' ')}"/>`;
}

/** Each name at its line's end, moved down where it would lie on the one above it. */
function names(axes: Axes, lines: readonly Line[]): string {
  let free = 0;
  return lines
    .map((line) => ({ line, last: line.latenciesMs.at(-1) ?? 1, end: line.latenciesMs.length }))
    .toSorted((a, b) => b.last - a.last)
    .flatMap(({ line, last, end }) => {
      const words = [...wrap(line.label, LABEL_CHARS_MAX), `last after ${showMs(last)}`];
      const first = Math.max(free, axes.y(last) + 4);
      free = first + words.length * LABEL_LINE + 4;
      return words.map((word, index) =>
        text({ x: axes.x(end) + 10, y: first + index * LABEL_LINE, style: `${line.style}-text` }, word),
      );
    })
    .join('\n');
}

function describe({ label, latenciesMs }: Line): string {
  const last = latenciesMs.at(-1) ?? 0;
  return `${label}: first answer after ${showMs(latenciesMs[0] ?? 0)}, last after ${showMs(last)}.`;
}

function showMs(ms: number): string {
  if (ms >= 1_000) return `${Number((ms / 1_000).toPrecision(2))} s`;
  return `${Number(ms.toPrecision(2))} ms`;
}

interface TextPlace {
  readonly x: number;
  readonly y: number;
  readonly style: string;
  readonly anchor?: 'middle' | 'end';
}

function text({ x, y, style, anchor }: TextPlace, content: string): string {
  const anchored = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  return `  <text class="${style}" x="${x.toFixed(1)}" y="${y.toFixed(1)}"${anchored}>${toXml(content)}</text>`;
}

function wrapNote(note: string): readonly string[] {
  return wrap(note, NOTE_CHARS_MAX);
}

function wrap(content: string, charsMax: number): readonly string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of content.split(' ')) {
    if (row !== '' && row.length + 1 + word.length > charsMax) {
      rows.push(row);
      row = word;
    } else row = row === '' ? word : `${row} ${word}`;
  }
  return [...rows, row];
}

function toXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
