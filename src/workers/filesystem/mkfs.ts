// Makes the file systems that all snapshots begin as. What is written here is copied or shared by every one of them, so
// as little as possible is written, and nothing is left for the kernel to write later (the lazyinit thread of ext4).

import { open } from 'node:fs/promises';
import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';
import { MIN_FILE_SYSTEM_BYTES } from '../../shared/file-systems.ts';
import type { FsType, MkfsSpec } from '../../shared/tasks.ts';
import { storageBytes } from '../block/device.ts';
import { withErrno } from '../errno.ts';
import { runTool, ToolError } from '../exec.ts';
import { removeLostAndFound } from './lost-and-found.ts';

const MKFS_TIMEOUT_MS = 120_000;

// assume_storage_prezeroed (e2fsprogs 1.47) marks the inode tables as zeroed without writing them; before 1.47 they have
// to be written, since the kernel else does it after the first mount, into every snapshot.
const EXT_PREZEROED = 'nodiscard,assume_storage_prezeroed=1';
const EXT_EAGER = 'nodiscard,lazy_itable_init=0,lazy_journal_init=0';
const EXT_PREZEROED_UNKNOWN = /Bad option\(s\) specified:.*assume_storage_prezeroed/;

/** What tells a file system by its first blocks: xfs_format.h, ext4_fs.h. */
const XFS_MAGIC = { offset: 0, bytes: Buffer.from('XFSB') };
const EXT_MAGIC = { offset: 1024 + 56, bytes: Buffer.of(0x53, 0xef) };

/**
 * The options of a user that are passed on, each with an operand unless under `bare`. Left out is what names other
 * devices or directories, pretends (-n), forces, or makes something else than was asked for.
 */
const OPTIONS: Record<FsType, { readonly withOperand: string; readonly bare: string }> = {
  ext4: { withOperand: 'bCeEgGiIJLmMNoOrTU', bare: 'j' },
  ext2: { withOperand: 'bCeEgGiIJLmMNoOrTU', bare: 'j' },
  xfs: { withOperand: 'bdilmnrsL', bare: 'K' },
};
const OPERAND = /^[A-Za-z0-9_.:=+^@%][A-Za-z0-9_.:=,+^@%-]*$/;

/**
 * Formats `path`, a file or block device that reads as zeroes from end to end and that holds what is written as it is: a
 * pool with `skip_block_zeroing` does not. The root is empty and has mode 0755.
 */
export async function makeFileSystem(path: string, { fsType, options }: MkfsSpec): Promise<void> {
  const parsed = parseOptions(fsType, options);
  await checkSize(path, fsType);
  if (fsType === 'xfs') {
    await runTool('mkfs.xfs', ['-q', '-K', ...parsed.words, '--', path], { timeoutMs: MKFS_TIMEOUT_MS });
  } else {
    await makeExt(`mkfs.${fsType}`, path, parsed);
    await failpoint('mkfs.made');
    await removeLostAndFound(path);
  }
  await checkMade(path, fsType);
}

/** Every snapshot begins as a copy of it: what a tool said is not enough. */
async function checkMade(path: string, fsType: FsType): Promise<void> {
  const { offset, bytes } = fsType === 'xfs' ? XFS_MAGIC : EXT_MAGIC;
  const found = await withErrno(`look at ${path}`, () => readAt(path, offset, bytes.length));
  if (found.equals(bytes)) return;
  throw new FaultError('io', `Cannot make ${fsType} on ${path}: mkfs.${fsType} said that it did, and there is none`);
}

async function readAt(path: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer;
  } finally {
    await handle.close();
  }
}

interface ParsedOptions {
  /** Ready for the command line, without `-E`. */
  readonly words: readonly string[];
  /** The operands of every `-E`: mke2fs heeds only the last one, so they are merged with ours. */
  readonly extended: readonly string[];
}

async function makeExt(tool: 'mkfs.ext4' | 'mkfs.ext2', path: string, parsed: ParsedOptions): Promise<void> {
  const make = (ours: string): Promise<unknown> => {
    const extended = [ours, ...parsed.extended].join(',');
    return runTool(tool, ['-q', ...parsed.words, '-E', extended, '--', path], { timeoutMs: MKFS_TIMEOUT_MS });
  };
  try {
    await make(EXT_PREZEROED);
  } catch (error) {
    // Refused before anything was written.
    if (!(error instanceof ToolError && EXT_PREZEROED_UNKNOWN.test(error.stderr))) throw error;
    await make(EXT_EAGER);
  }
}

async function checkSize(path: string, fsType: FsType): Promise<void> {
  const sizeBytes = await storageBytes(path);
  const minBytes = MIN_FILE_SYSTEM_BYTES[fsType];
  if (sizeBytes >= minBytes) return;
  throw new FaultError('invalid', `Cannot make ${fsType} on ${path}: ${sizeBytes} bytes, needs ${minBytes} at least`);
}

/** A bare word is a list of extended options for ext: the form that `fs_options` has in containerd's configuration. */
function parseOptions(fsType: FsType, options: readonly string[]): ParsedOptions {
  const words: string[] = [];
  const extended: string[] = [];
  const rest = options.values();
  for (const option of rest) {
    const letter = option.charAt(1);
    const isFlag = option.startsWith('-');
    if (isFlag && option.length === 2 && OPTIONS[fsType].bare.includes(letter)) {
      words.push(option);
    } else if (isFlag && letter !== '' && OPTIONS[fsType].withOperand.includes(letter)) {
      const operand = parseOperand(fsType, option.slice(2) || (rest.next().value ?? ''));
      if (letter === 'E') extended.push(operand);
      else words.push(`-${letter}`, operand);
    } else if (!isFlag && fsType !== 'xfs') {
      extended.push(parseOperand(fsType, option));
    } else {
      throw new FaultError('invalid', `Cannot make ${fsType}: option "${option}" is not one that is passed on`);
    }
  }
  return { words, extended };
}

function parseOperand(fsType: FsType, operand: string): string {
  if (OPERAND.test(operand)) return operand;
  throw new FaultError('invalid', `Cannot make ${fsType}: "${operand}" is not a value that is passed on`);
}
