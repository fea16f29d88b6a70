// How long `thinsnap` takes to show many snapshots, as a process, from its start to its end, against a daemon whose catalog
// was made beforehand. The daemon's block files are not there, which spares `usage` nothing but their extents.
//
//   npm run bench:cli -- [COUNT]       COUNT: snapshots; 10,000 unless given

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { middleOf } from './figures.ts';
import { withMadeDaemon } from './made-daemon.ts';

const COUNT = 10_000;
const ROUNDS = 5;
const OUTPUT_MAX_BYTES = 256 * 1024 * 1024;
const PROGRAM = new URL('../src/main/thinsnap.js', import.meta.url).pathname;
/** What Node.js and the modules alone take. */
const COMMANDS = [['--version'], ['status'], ['ls'], ['ls', '--json'], ['tree'], ['usage'], ['usage', '--json']];

const run = promisify(execFile);

async function measure(args: readonly string[]): Promise<number> {
  const startMs = performance.now();
  await run(process.execPath, [PROGRAM, ...args], { maxBuffer: OUTPUT_MAX_BYTES });
  return performance.now() - startMs;
}

const [given] = process.argv.slice(2);
await withMadeDaemon(given === undefined ? COUNT : Number(given), async (daemon) => {
  await daemon.start();
  process.stdout.write('ms    command\n');
  for (const command of COMMANDS) {
    const args = command[0] === '--version' ? command : [...command, '--config', join(daemon.root, 'config.toml')];
    const rounds: number[] = [];
    for (let number = 0; number < ROUNDS; number += 1) rounds.push(await measure(args));
    process.stdout.write(`${middleOf(rounds).toFixed(0).padStart(5)} ${command.join(' ')}\n`);
  }
  await daemon.stop();
});
