// Writes tar archives in memory (POSIX.1-1988 ustar: names of up to 100 bytes, as all of ours are).

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;

export interface TarEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
  readonly mode?: number;
  readonly owner?: number;
  readonly content?: Buffer | string;
  /** Where a link points. */
  readonly target?: string;
}

const TYPE_FLAGS: Record<TarEntry['type'], string> = { file: '0', hardlink: '1', symlink: '2', directory: '5' };

export function makeTar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
    return [makeHeader(entry, content.length), content, padding];
  });
  // Two blocks of zeros are the end.
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function makeHeader(entry: TarEntry, sizeBytes: number): Buffer {
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path;
  if (Buffer.byteLength(path) > NAME_BYTES_MAX) throw new Error(`Cannot put ${path} into a ustar header: too long`);
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, offset: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits, '0'), offset);
  };
  header.write(path, 0);
  octal(entry.mode ?? (entry.type === 'file' ? 0o644 : 0o755), 100, 7);
  octal(entry.owner ?? 0, 108, 7);
  octal(entry.owner ?? 0, 116, 7);
  octal(sizeBytes, 124, 11);
  octal(0, 136, 11);
  header.write(TYPE_FLAGS[entry.type], 156);
  header.write(entry.target ?? '', 157);
  header.write('ustar\u000000', 257);
  // The checksum is taken with its own field as blanks.
  header.fill(' ', 148, 156);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  header.write('\0 ', 154);
  return header;
}
